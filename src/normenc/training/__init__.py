"""Fit networks to a task.

Order of random numbers
-----------------------
This is the one place that decides it. From one ``seed`` come

1. a legacy NumPy generator, ``numpy.random.RandomState(seed)``: the training set;
2. a torch generator seeded with ``seed``: first the initial weights, where the network is built here, then one
   ``torch.randperm(n_train)`` an epoch;
3. an independent generator, ``numpy.random.default_rng([seed, 1])``: the held-out set;
4. for networks that draw random numbers as they run, such as dropout does, torch's global generator, which is lent the
   seed ``seed + 2**32`` while they train, and again for every score.

The first two are what the reference study's global generators would give after ``numpy.random.seed(seed)`` and
``torch.manual_seed(seed)``; seed 12 gives its published losses. The global generators themselves stay as they were.
With fresh stimuli, epoch e's are drawn by ``numpy.random.default_rng([seed, 3, e])`` instead, and stay in that order. A
validation set is drawn by ``numpy.random.default_rng([seed, 2])``.

A ``data_seed`` takes the place of ``seed`` in all but the initial weights and what networks draw as they run.
"""

from normenc.extras import needs_nets

needs_nets(__name__)

from normenc.training.ensemble import train_ensemble
from normenc.training.log import TrainingLog, TrainingResult
from normenc.training.recipe import Recipe
from normenc.training.seeding import initialise, resolve_device
from normenc.training.single import train
from normenc.training.steps import Progress

__all__ = [
    "Progress",
    "Recipe",
    "TrainingLog",
    "TrainingResult",
    "initialise",
    "resolve_device",
    "train",
    "train_ensemble",
]
