from .augmentation import augmented, check_augmentations
from .image_sets import ImageSet
from .natural import IN_COLOUR, PHOTOGRAPHS, natural_patches, photograph
from .objects import digits, image_folder
from .oriented import gratings, varied_gratings
from .own_photographs import photograph_folder
from .pools import POOLS, stimulus_pool
from .sets import StimulusSet
from .study_size import describe_fit, fit_images
from .textures import bandpassed_noise, phase_scrambled, plaids
from .tiles import photograph_tiles
from .torchvision_sets import LabelledImages, torchvision_set
from .waves import image_size

__all__ = [
    "IN_COLOUR",
    "PHOTOGRAPHS",
    "POOLS",
    "ImageSet",
    "LabelledImages",
    "StimulusSet",
    "augmented",
    "bandpassed_noise",
    "check_augmentations",
    "describe_fit",
    "digits",
    "fit_images",
    "gratings",
    "image_folder",
    "image_size",
    "natural_patches",
    "phase_scrambled",
    "photograph",
    "photograph_folder",
    "photograph_tiles",
    "plaids",
    "stimulus_pool",
    "torchvision_set",
    "varied_gratings",
]
