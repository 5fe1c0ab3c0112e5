"""The zips that are served: made the same each time, byte for byte, from a flow and a version."""

from __future__ import annotations

import io
import json
import random
import struct
from typing import IO, TYPE_CHECKING, Final

from gale_tui.sandbox.flows import REVISION, Flow, Node

if TYPE_CHECKING:
    from zipfile import ZipInfo

MOMENT: Final = (2026, 1, 15, 9, 30, 0)
"""The time stamp of every entry, so that equal tools make equal files."""
FILLER_NAME: Final = "knowledge/library.bin"
"""The stored entry that brings a zip to its size."""
BLOCK: Final = 1 << 20


def tool_documents(flow: Flow, tool_id: str, flow_id: str, version: int = 1, name: str = "") -> dict[str, bytes]:
    """The three JSON files of an export, by name. Versions of a tool differ in one prompt; `name` is the tool's."""
    definition = {
        "flowId": flow_id,
        "toolId": tool_id,
        "name": flow.name,
        "schemaVersion": "2.3",
        "nodes": [_node(flow, number, version) for number in range(1, len(flow.nodes) + 1)],
        "settings": {"syncTimeoutSeconds": 180, "asyncTimeoutSeconds": 3600, "onTimeout": "fail", "tracing": True},
    }
    application = {
        "toolId": tool_id,
        "name": name or flow.name,
        "description": flow.description,
        "version": flow.version,
        "deployedFlow": flow_id,
        "guardrails": [
            {"name": name, "appliesTo": ["input", "output"], "threshold": 0.7, "enabled": True}
            for name in flow.guardrails
        ],
        "inputs": [{"name": "utterance", "type": "string", "required": True}],
        "outputs": [{"name": "reply", "type": "string"}],
    }
    variables = {
        "environmentVariables": [
            {"name": name, "value": value, "secure": False} for name, value in flow.variables.items()
        ]
    }
    documents = {
        "flow_definition.json": definition,
        "app_definition.json": application,
        "env_variables.json": variables,
    }
    return {name: json.dumps(value, indent=2, ensure_ascii=False).encode() for name, value in documents.items()}


def _node(flow: Flow, number: int, version: int) -> dict[str, object]:
    node = flow.nodes[number - 1]
    first_prompt = next(index for index, each in enumerate(flow.nodes, 1) if each.kind == "genAI")
    text = node.text
    if number == first_prompt:
        text += f" {REVISION}" * (version - 1)
    goes_to = node.goes_to if node.goes_to is not None else ({"default": number + 1} if node.kind != "end" else {})
    return {
        "id": f"n{number}",
        "type": node.kind,
        "name": node.name,
        "position": {"x": 120 + 240 * ((number - 1) % 4), "y": 80 + 160 * ((number - 1) // 4)},
        "timeoutSeconds": node.timeout,
        "config": _config(node, text),
        "next": {result: f"n{target}" for result, target in goes_to.items()},
    }


def _config(node: Node, text: str) -> dict[str, object]:
    if node.kind in ("genAI", "imageToText", "textToSpeech"):
        return {
            "model": node.model or None,
            "prompt": text,
            "hyperparameters": {
                "temperature": node.temperature,
                "topP": 1.0,
                "maxTokens": 256 if node.timeout <= 30 else 1024,
                "stopSequences": [],
            },
            "retries": 2,
        }
    if node.kind == "api":
        method, _, url = text.partition(" ")
        return {"method": method, "url": url, "headers": {"Accept": "application/json"}, "retries": 1}
    if node.kind == "function":
        return {"language": "javascript", "script": text}
    if node.kind in ("start", "end"):
        return {}
    return {"expression" if node.kind in ("condition", "loop") else "instruction": text}


def tool_zip(documents: dict[str, bytes], *, compressed: bool = True) -> bytes:
    """A zip of the documents with fixed time stamps."""
    from zipfile import ZipFile

    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in documents.items():
            archive.writestr(entry_info(name, compressed=compressed), content)
    return packed.getvalue()


def sized_zip(file: IO[bytes], documents: dict[str, bytes], size: int, seed: str) -> None:
    """Writes a zip of exactly `size` bytes, without holding it in memory.

    Its filler differs from block to block, so that a part put in the wrong place is noticed.

    Raises:
        ValueError: The documents alone are larger, or 4 GiB are exceeded.
    """
    import zipfile

    small = io.BytesIO()
    _write_sized(small, documents, 0, seed)
    filler = size - len(small.getvalue())
    if filler < 0 or size >= zipfile.ZIP64_LIMIT:
        raise ValueError(f"a zip of this tool has from {len(small.getvalue())} to {zipfile.ZIP64_LIMIT - 1} bytes")
    _write_sized(file, documents, filler, seed)


def _write_sized(file: IO[bytes], documents: dict[str, bytes], filler: int, seed: str) -> None:
    from zipfile import ZipFile

    block = bytearray(random.Random(seed).randbytes(BLOCK))  # noqa: S311  # filler, not a secret
    with ZipFile(file, "w") as archive:
        for name, content in documents.items():
            archive.writestr(entry_info(name), content)
        info = entry_info(FILLER_NAME, compressed=False)
        # Announced, so that the header is not made for 4 GiB and more.
        info.file_size = filler
        with archive.open(info, "w") as entry:
            for number, start in enumerate(range(0, filler, BLOCK)):
                block[:8] = struct.pack(">Q", number)
                entry.write(memoryview(block)[: min(BLOCK, filler - start)])


def entry_info(name: str, *, compressed: bool = True) -> ZipInfo:
    import zipfile

    info = zipfile.ZipInfo(name, MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    # Otherwise it is the system that the sandbox runs on.
    info.create_system = 3
    return info
