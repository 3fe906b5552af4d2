"""What a run is, for machines: RO-Crate 1.1 (JSON-LD), and CITATION.cff."""

import json
from collections.abc import Mapping, Sequence
from mimetypes import guess_type
from typing import Any

from normenc import __version__
from normenc.runs.reading import Run
from normenc.runs.schema import FILES, SETTINGS, file_of
from normenc.texts import as_json

__all__ = ["CITATION", "CRATE", "citation", "description"]

CITATION, CRATE = "CITATION.cff", "ro-crate-metadata.json"
NOBODY = "The authors of this run"
NOT_STATED = "not stated"
KINDS = {".nc": "application/x-netcdf", ".h5": "application/x-hdf5", ".toml": "application/toml", ".csv": "text/csv"}
SOFTWARE, ACTION, RECORDING = "#normenc", "#run", "#recording"


def description(run: Run, sizes: Mapping[str, int], authors: Sequence[str], licence: str | None) -> str:
    """The RO-Crate metadata of a run whose files, with these sizes in bytes, are in the folder ``run``.

    References
    ----------
    RO-Crate Metadata Specification 1.1, https://w3id.org/ro/crate/1.1.
    """
    files = [_file(name, size) for name, size in sorted(sizes.items())]
    people = [{"@id": f"#author{k}", "@type": "Person", "name": name} for k, name in enumerate(authors)]
    environment, recording = run.environment, run.recording
    finished = str(environment.get("finished", ""))
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": _title(run),
        "description": f"A normative encoding study: {recording.get('description') or recording['name']}",
        "datePublished": finished[:10] or NOT_STATED,
        "license": licence or NOT_STATED,
        "hasPart": [{"@id": own["@id"]} for own in files] + [{"@id": CITATION}],
        "mentions": [{"@id": ACTION}],
    }
    if people:
        root["author"] = [{"@id": own["@id"]} for own in people]
    graph = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        root,
        *files,
        {"@id": CITATION, "@type": "File", "name": "how to cite this run", "encodingFormat": "application/yaml"},
        *people,
        {
            "@id": ACTION,
            "@type": "CreateAction",
            "name": "normenc run",
            "endTime": finished,
            "instrument": {"@id": SOFTWARE},
            "object": [{"@id": f"run/{SETTINGS}"}, {"@id": RECORDING}],
            "result": [{"@id": own["@id"]} for own in files if own["@id"] != f"run/{SETTINGS}"],
        },
        {
            "@id": SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "normenc",
            "version": str(environment.get("normenc", __version__)),
            "softwareRequirements": _requirements(environment),
        },
        {
            "@id": RECORDING,
            "@type": "Dataset",
            "name": str(recording["name"]),
            "description": _said_of(recording),
            "license": str(recording.get("licence") or NOT_STATED),
        },
    ]
    content = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return as_json(json.dumps(content, indent=2, ensure_ascii=False)) + "\n"


def citation(run: Run, authors: Sequence[str], licence: str | None) -> str:
    """How to cite a run, its recording and normenc, as CITATION.cff 1.2.0: YAML whose texts are written as in JSON."""
    recording, environment = run.recording, run.environment
    cited = str(recording.get("citation") or NOT_STATED)
    lines = [
        "cff-version: 1.2.0",
        f"message: {_text('If you use this run, please cite it, the recording and normenc.')}",
        f"title: {_text(_title(run))}",
        "type: dataset",
        "authors:",
        *_people(authors or [NOBODY]),
    ]
    if finished := str(environment.get("finished", ""))[:10]:
        lines.append(f"date-released: {_text(finished)}")
    if licence is not None:
        lines.append(f"license: {_text(licence)}")
    lines += [
        "references:",
        "  - type: software",
        f"    title: {_text('normenc: build and evaluate normative encoding models')}",
        f"    version: {_text(str(environment.get('normenc', __version__)))}",
        "    authors:",
        "      - name: The normenc developers",
        "  - type: generic",
        f"    title: {_text(cited if cited != NOT_STATED else str(recording['name']))}",
        "    authors:",
        f"      - name: {_text('see the title' if cited != NOT_STATED else NOT_STATED)}",
    ]
    return "\n".join(lines) + "\n"


def _file(name: str, size: int) -> dict[str, Any]:
    kind = KINDS.get(f".{name.rpartition('.')[2]}") or guess_type(name)[0] or "application/octet-stream"
    return {
        "@id": f"run/{name}",
        "@type": "File",
        "name": name,
        "description": _known(name),
        "encodingFormat": kind,
        "contentSize": str(size),
    }


def _known(name: str) -> str:
    listed = {file.name for file in FILES}
    first, slash, _ = name.partition("/")
    return file_of(name).what if first + slash in listed else "a file of this run"


def _title(run: Run) -> str:
    return f"{run.settings['name']} and {run.recording['name']}, a run of normenc"


def _requirements(environment: Mapping[str, Any]) -> str:
    packages = environment.get("packages", {})
    versions = [f"Python {environment.get('python', NOT_STATED)}", *(f"{own} {v}" for own, v in packages.items())]
    return ", ".join(versions)


def _said_of(recording: Mapping[str, Any]) -> str:
    parts = [str(recording.get("citation") or NOT_STATED)]
    if recording.get("sha256"):
        parts.append(f"SHA-256 {recording['sha256']}")
    if recording.get("simulated"):
        parts.append("simulated: no animal was recorded")
    return "; ".join(parts)


def _people(names: Sequence[str]) -> list[str]:
    lines = []
    for name in names:
        family, comma, given = (part.strip() for part in name.partition(","))
        if comma and family and given:
            lines += [f"  - family-names: {_text(family)}", f"    given-names: {_text(given)}"]
        else:
            lines.append(f"  - name: {_text(name)}")
    return lines


def _text(value: str) -> str:
    return as_json(json.dumps(value, ensure_ascii=False))
