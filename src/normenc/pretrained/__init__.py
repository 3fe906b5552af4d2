"""Existing networks as encoders of images: any torch module, and torchvision and timm models by name.

Networks trained on photographs need colours, another size and normalised values. :func:`adapt` provides these and
says what it does; layer names are unchanged, so :func:`normenc.representations.represent` can read any layer.
"""

from normenc.extras import needs_nets

needs_nets(__name__)

from normenc.pretrained.models import activation_layers, adapt, load_model
from normenc.pretrained.places import weights_file
from normenc.pretrained.preprocessing import FITS, IMAGENET, Preprocessing

__all__ = ["FITS", "IMAGENET", "Preprocessing", "activation_layers", "adapt", "load_model", "weights_file"]
