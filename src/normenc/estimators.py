"""The main analyses as scikit-learn estimators: thin classes over the functions, for pipelines and searches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted, validate_data

from normenc import rsa
from normenc.encoding.regression import PENALTIES
from normenc.encoding.weights import ridge_weights
from normenc.errors import InputError
from normenc.quality import rdms_for_inference
from normenc.recordings import Recording
from normenc.rsa.labelled import labels_of, labels_of_rdm, turned, turned_stack
from normenc.rsa.labels import check_same

__all__ = ["RSA", "LayerRegression"]

PRECOMPUTED = "precomputed"


class RSA(BaseEstimator):
    """Compare models with a recording by representational similarity analysis: :func:`normenc.rsa.infer`.

    Parameters
    ----------
    measure : str
        How RDMs are compared: one of :data:`normenc.rsa.METHODS`.
    metric : str
        How RDMs are computed from responses: one of :data:`normenc.rsa.METRICS`. ``"precomputed"``: models are RDMs;
        the recording's RDM is then computed by correlation, unless the recording is itself an RDM.
    generalise_to, n_samples, n_permutations, seed
        See :func:`normenc.rsa.infer`.

    Attributes
    ----------
    inference_ : Inference
        Similarities, intervals, noise ceiling and tests; it has ``summary()`` and ``plot()``.
    similarity_ : Series
        Similarity of each model, by name.
    rdms_ : dict of str to ndarray
        RDMs of the models.

    Examples
    --------
    >>> from normenc import recordings
    >>> v1 = recordings.load("simulated-v1", n_neurons=60)
    >>> angles = np.radians(2 * v1.orientation)
    >>> models = {"ring": np.stack([np.cos(angles), np.sin(angles)], axis=1), "line": np.c_[angles, angles**2]}
    >>> fitted = RSA(metric="euclidean", n_samples=20).fit(models, v1)
    >>> fitted.similarity_.idxmax(), fitted.get_params()["measure"]
    ('ring', 'pearson')
    """

    def __init__(
        self,
        measure: Any = "pearson",
        metric: str = "correlation",
        *,
        generalise_to: Sequence[str] | None = None,
        n_samples: int = 1000,
        n_permutations: int = 1000,
        seed: int = 0,
    ) -> None:
        self.measure = measure
        self.metric = metric
        self.generalise_to = generalise_to
        self.n_samples = n_samples
        self.n_permutations = n_permutations
        self.seed = seed

    def fit(self, models: Mapping[str, Any], recording: Recording) -> "RSA":
        """Compare the models with the recording.

        Parameters
        ----------
        models : mapping of str to array_like, shape (n_stimuli, n_units) or (n_seeds, n_stimuli, n_units)
            Responses to the recording's stimuli, in the order of ``recording.stimulus``, such as layers of
            :func:`normenc.representations.represent`. Stimulus labels, if present, are checked. With
            ``metric="precomputed"`` RDMs, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli).
        recording : Recording

        Returns
        -------
        RSA
            This object.

        Raises
        ------
        InputError
            If stimuli differ, and as :func:`normenc.rsa.infer`.
        """
        metric = self._metric_for(models, recording)
        self.rdms_ = {name: self._rdm(name, values, recording) for name, values in models.items()}
        self.inference_ = rsa.infer(
            self.rdms_,
            **rdms_for_inference(recording, metric),
            method=self.measure,
            rdm_metric=metric,
            ordered=recording.has_neighbours,
            positions=recording.around_circle,
            generalise_to=self.generalise_to,
            n_samples=self.n_samples,
            n_permutations=self.n_permutations,
            seed=self.seed,
        )
        table = self.inference_.models
        self.similarity_ = pd.Series(table["similarity"].to_numpy(), table["model"].to_list(), name="similarity")
        return self

    def _metric_for(self, models: Any, recording: Any) -> str:
        """The recording's metric."""
        if not isinstance(recording, Recording):
            raise InputError(
                f"recording is a {type(recording).__name__}; give a Recording; Recording.from_responses and "
                "Recording.from_trials create one from arrays"
            )
        if not isinstance(models, Mapping) or not models:
            raise InputError("models must be a non-empty mapping from names to responses, such as {'fc': responses}")
        own = recording.rdm_metric if recording.responses is None else "correlation"
        if self.metric == PRECOMPUTED:
            return own
        if recording.responses is None and self.metric != own:
            raise InputError(
                f"{recording.name} is known only by its RDM with the metric {own!r}, but metric is {self.metric!r}; "
                f"choose metric={own!r}, or give the models' RDMs with metric='precomputed'"
            )
        return self.metric

    def _rdm(self, name: str, values: Any, recording: Recording) -> npt.NDArray[np.float64]:
        """RDM of a model, or of each of its seeds, with the recording's stimuli."""
        what = f"the model {name!r}"
        several = np.ndim(values) == 3
        if self.metric == PRECOMPUTED:
            labels, matrix = labels_of_rdm(values), np.asarray(values, dtype=np.float64)
        else:
            values = turned_stack(values, what) if several else turned(values, what)
            labels = labels_of(values, -2)
            try:
                matrices = [rsa.rdm(own, metric=self.metric) for own in (values if several else [values])]
            except InputError as error:
                raise InputError(f"{what}: {error}") from None
            matrix = np.stack(matrices) if several else matrices[0]
        if matrix.shape[-1] != recording.n_stimuli:
            raise InputError(
                f"{what} has {matrix.shape[-1]} stimuli, but {recording.name} has {recording.n_stimuli}; give one row "
                "per stimulus, in the order of recording.stimulus"
            )
        own_labels = labels_of(recording.responses, 0) if recording.responses is not None else []
        check_same([(what, labels), ("the recording", own_labels)])
        return matrix


class LayerRegression(RegressorMixin, BaseEstimator):
    """Predict neurons from an encoder's layer by ridge regression, with one penalty per neuron.

    It is :func:`normenc.encoding.ridge.ridge_predictions` as an estimator. To predict each stimulus from others, use it
    with scikit-learn's ``cross_val_predict``, or :func:`normenc.encoding.cross_validated_predictions`, which handles
    orientations around a circle. ``score`` is scikit-learn's: the mean of R² over neurons, 1 at best, not corrected for
    noise; :func:`normenc.encoding.predictivity` corrects.

    Parameters
    ----------
    penalties : array_like, shape (n_penalties,), optional
        Above 0, rising; by default 20 from 1e-5 to 1e4.
    relative : bool
        Whether penalties are multiples of the mean variance along the features' principal axes, so that one grid
        suits all layers; False: they are absolute, as in scikit-learn.
    scale : bool
        Whether units are divided by their standard deviation.
    reduce_to : int, optional
        Principal components of the features that are kept.
    cv : int, splitter or iterable, optional
        How penalties are chosen within the training stimuli, as in scikit-learn. By default leave-one-out. If
        neighbouring stimuli evoke similar responses, as orientations do, give ``KFold(5)``, which holds out consecutive
        rows.

    Attributes
    ----------
    coef_ : ndarray, shape (n_neurons, n_units) or (n_units,)
    intercept_ : ndarray, shape (n_neurons,), or float
    penalty_ : ndarray, shape (n_neurons,), or float
        The chosen penalty; NaN for a neuron that does not vary.
    n_features_in_ : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.normal(size=(100, 8))
    >>> neurons = layer @ rng.normal(size=(8, 30)) + 0.1 * rng.normal(size=(100, 30))
    >>> fitted = LayerRegression().fit(layer[:80], neurons[:80])
    >>> fitted.predict(layer[80:]).shape, bool(fitted.score(layer[80:], neurons[80:]) > 0.98)
    ((20, 30), True)
    """

    def __init__(
        self,
        penalties: Any = None,
        *,
        relative: bool = True,
        scale: bool = False,
        reduce_to: int | None = None,
        cv: Any = None,
    ) -> None:
        self.penalties = penalties
        self.relative = relative
        self.scale = scale
        self.reduce_to = reduce_to
        self.cv = cv

    def fit(self, X: Any, Y: Any) -> "LayerRegression":
        """Fit all neurons.

        Parameters
        ----------
        X : array_like, shape (n_stimuli, n_units)
            An encoder's layer.
        Y : array_like, shape (n_stimuli, n_neurons) or (n_stimuli,)
            Averages over trials.

        Returns
        -------
        LayerRegression
            This object.

        Raises
        ------
        ValueError
            If shapes disagree, values are missing, there is a single stimulus, or no unit varies.
        """
        X, Y = validate_data(
            self, X, Y, multi_output=True, y_numeric=True, dtype=(np.float64, np.float32), ensure_min_samples=2
        )
        penalties = PENALTIES if self.penalties is None else self.penalties
        inner = None if self.cv is None else [test for _, test in check_cv(self.cv).split(X, Y)]
        fitted = ridge_weights(
            X,
            Y.reshape(len(Y), -1),
            penalties,
            relative=self.relative,
            inner=inner,
            scale=self.scale,
            reduce_to=self.reduce_to,
        )
        one = Y.ndim == 1
        self.coef_ = fitted.weights[:, 0] if one else fitted.weights.T
        self.intercept_ = fitted.intercept[0] if one else fitted.intercept
        self.penalty_ = fitted.penalty[0] if one else fitted.penalty
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict responses.

        Parameters
        ----------
        X : array_like, shape (n_stimuli, n_units)

        Returns
        -------
        ndarray, shape (n_stimuli, n_neurons) or (n_stimuli,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return X @ self.coef_.T + self.intercept_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
