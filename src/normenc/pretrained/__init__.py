"""Anyone's networks as encoders of grey stimuli: any torch module, and torchvision's and timm's models by name.

Networks trained on photographs want colours, another size and normalised values. :func:`adapt` takes care of that and
says what it does; names of layers stay as they are, so that :func:`normenc.representations.represent` reads any.
"""

from normenc.pretrained.models import activation_layers, adapt, load_model
from normenc.pretrained.preprocessing import FITS, IMAGENET, Preprocessing

__all__ = ["FITS", "IMAGENET", "Preprocessing", "activation_layers", "adapt", "load_model"]
