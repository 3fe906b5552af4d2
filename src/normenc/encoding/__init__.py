"""Models fitted to the neurons themselves: regression from layers, and networks trained on responses."""

from normenc.extras import attach_stub
from normenc.renamed import keep_old_names

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

keep_old_names(
    __name__,
    CourseFit="NeuromatchFit",
    course_network="neuromatch_network",
    fit_course_network="fit_neuromatch_network",
)
