"""Visual stimuli as functions of their parameters."""

from normenc.stimuli.augmentation import augmented, check_augmentations
from normenc.stimuli.gratings import gratings, image_size, varied_gratings
from normenc.stimuli.image_sets import ImageSet
from normenc.stimuli.natural import IN_COLOUR, PHOTOGRAPHS, natural_patches, photograph
from normenc.stimuli.objects import digits, image_folder
from normenc.stimuli.own_photographs import photograph_folder
from normenc.stimuli.pools import POOLS, stimulus_pool
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.study_size import describe_fit, fit_images
from normenc.stimuli.textures import bandpassed_noise, phase_scrambled, plaids
from normenc.stimuli.tiles import photograph_tiles
from normenc.stimuli.torchvision_sets import LabelledImages, torchvision_set

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
