"""In a notebook: results, pictures and interactive figures show themselves, and progress is one line that changes."""

import re
import warnings

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    """
from normenc import Run, networks, tasks, training
from normenc.runs import Picture
from normenc.stimuli import gratings
from normenc.tuning import tuning_curves
result = training.train(networks.FC, tasks.TiltDiscrimination(n_train=40), seed=1, n_epochs=3)
result
""",
    "tuning_curves([[1.0], [3.0], [5.0], [5.0]], [0, 180, 90, 90])",
    "Picture('eigenspectrum', {'spectra': {'<b>V1</b>': [1.0, 0.5, 0.25]}, 'exponents': {}})",
    """
from normenc.report.widgets import Widget
widget = Widget()
widget.add_heatmap(z=[[0.0, 1.0], [1.0, 0.0]])
widget.update_layout(title={"text": "RDM"})
""",
    """
import numpy as np
from normenc import progress, representations, rsa
responses = np.random.default_rng(0).normal(size=(12, 9))
rsa.infer({"same": rsa.rdm(responses)}, responses=responses, n_samples=50, n_permutations=50)
progress.SHORT = 0  # from the first moment on
inference = rsa.infer({"same": rsa.rdm(responses)}, responses=responses, n_samples=50, n_permutations=50)
with progress.reporting(False):  # other work shows its own
    rsa.infer({"same": rsa.rdm(responses)}, responses=responses, n_samples=50, n_permutations=50)
layers = representations.represent(networks.FC(), gratings([0, 45, 90]), batch_size=2)
with representations.extract(networks.FC(), gratings([0, 45, 90]), batch_size=2):
    pass
told = []
rsa.infer({"same": rsa.rdm(responses)}, responses=responses, n_samples=50, progress=lambda *state: told.append(state))
assert told[-1][0] == told[-1][1] > 1
""",
)


class Client(NotebookClient):
    """It keeps every text that a cell shows or changes, in the order in which it is told."""

    def __init__(self, notebook, **options):
        super().__init__(notebook, **options)
        self.texts = [[] for _ in notebook.cells]

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("display_data", "update_display_data"):
            self.texts[cell_index].append(msg["content"]["data"]["text/plain"])
        return super().process_message(msg, cell, cell_index)


@pytest.fixture(scope="module")
def client():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter itself
        client = Client(notebook, timeout=120, kernel_name="python3")
        client.execute()
    return client


@pytest.fixture
def outputs(client):
    return [cell.outputs for cell in client.nb.cells]


def test_progress_is_one_line_and_results_are_tables(outputs):
    line, result = outputs[0]
    assert line.data["text/plain"] == ""  # training has ended
    assert result.data["text/plain"].startswith("<TrainingResult: FC, 3 steps; held-out score ")
    assert "<strong>TrainingResult</strong>" in result.data["text/html"]
    (curves,) = outputs[1]
    assert "<td>2 × 1 float64</td>" in curves.data["text/html"]


def test_pictures_and_interactive_figures_are_shown_inline(outputs):
    (picture,), (widget,) = outputs[2:4]
    assert set(picture.data) == {"image/png", "text/plain"}
    assert widget.data["text/plain"] == "<Widget: RDM>"
    figure = widget.data["application/vnd.plotly.v1+json"]
    assert figure["data"][0]["type"] == "heatmap"
    assert "Plotly.newPlot" in widget.data["text/html"]


def test_functions_that_last_show_how_far_they_are(outputs):
    lines = outputs[4]  # inference, representing and extraction, which all have ended
    assert [(line.output_type, line.data["text/plain"]) for line in lines] == [("display_data", "")] * 3


def test_while_work_goes_on_its_line_names_the_stage_and_the_time_left(client):
    first, *training, last = client.texts[0]
    assert (first, last, training[0]) == ("", "", "training: 0 of 1 done")
    said = [text for text in client.texts[4] if text]
    for name in ("inference", "representing", "extraction"):
        first = next(text for text in said if text.startswith(f"{name}: "))
        assert re.fullmatch(r"\w+: \d+ %, 0 of 1 done, \d+:\d\d left", first), said
