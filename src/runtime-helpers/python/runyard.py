"""The helpers of a script that runs as an event. What each does: docs/helpers.md; how they ask: PROTOCOL.md.

Nothing but the standard library, Python 3.9 and later.
"""
import http.client
import json
import os
import re
import shutil
import socket
import time
import uuid
from urllib.parse import quote

__all__ = [
    "HelperError", "input", "input_stream", "input_file", "output", "output_stream", "output_file",
    "get_variable", "set_variable", "variable_exists", "delete_variable", "increment_variable", "append_variable",
    "list_variables", "set_condition", "event", "event_field", "progress", "send_message", "send_email",
    "send_slack_message", "send_discord_message", "execute_tool_action",
    "inputStream", "inputFile", "outputStream", "outputFile", "getVariable", "setVariable", "variableExists",
    "deleteVariable", "incrementVariable", "appendVariable", "listVariables", "setCondition", "eventField",
    "sendMessage", "sendEmail", "sendSlackMessage", "sendDiscordMessage", "executeToolAction",
]

_BINARY = "application/octet-stream"
_PIECE = 256 * 1024


class HelperError(Exception):
    """What Runyard refused, or that it cannot be asked. `code` as in PROTOCOL.md, `status` of HTTP."""

    def __init__(self, message, code=None, status=None):
        super().__init__(message)
        self.code = code
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("runyard")
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


def _where():
    env = os.environ
    path = env.get("RUNYARD_SOCKET") or re.sub(r"^unix:(//)?", "", env.get("CRONIUM_RUNTIME_API", ""))
    token = env.get("RUNYARD_TOKEN") or env.get("CRONIUM_EXECUTION_TOKEN")
    if path and token:
        return path, token
    missing = "RUNYARD_TOKEN" if path else "RUNYARD_SOCKET"
    raise HelperError(
        f"{missing} is not set, so nothing can be asked of Runyard: "
        'run this script as an event, or by "runyard run --helpers"',
        code="no_event",
    )


def _ask(method, path, headers=None, body=None, again=True):
    """Until it is answered; gives a response of status 2xx. `body`: bytes, or a function that makes a stream of them;
    `again`: False when it can be made only once."""
    place, token = _where()
    patience = float(os.environ.get("RUNYARD_HELPER_PATIENCE_SECONDS") or 60)
    begun = time.monotonic()
    pause = 0.05
    while True:
        least = 0.0
        connection = _Connection(place)
        try:
            connection.connect()
            made = body() if callable(body) else body
            sent = {**(headers or {}), "Authorization": f"Bearer {token}"}
            if callable(body) and "Content-Length" not in sent:
                sent["Transfer-Encoding"] = "chunked"
            try:
                connection.request(method, path, made, sent, encode_chunked="Transfer-Encoding" in sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It may have been refused before its end: the answer says why.
            response = connection.getresponse()
            if response.status < 300:
                return response
            failure = _refusal(response)
            after = response.getheader("Retry-After")
            if response.status not in (503, 504) and not (response.status == 429 and after is not None):
                raise failure
            least = float(after or 0)
        except (ConnectionError, FileNotFoundError, BlockingIOError, http.client.BadStatusLine) as error:
            connection.close()
            failure = HelperError(f"Runyard's runner does not answer at {place}: {error}", code="unavailable")
        wait = max(pause, least)
        if not again or time.monotonic() - begun + wait > patience:
            raise failure
        time.sleep(wait)
        pause = min(2 * pause, 2.0)


def _refusal(response):
    text = response.read().decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        return HelperError(error["message"], error["code"], response.status)
    except (ValueError, KeyError, TypeError):
        return HelperError(f"HTTP {response.status}: {text[:200]}", status=response.status)


def _call(method, path, params=None, once=False):
    """Most calls: an object there, an object back. `once`: must not take effect twice."""
    headers = {"Idempotency-Key": str(uuid.uuid4())} if once else {}
    body = None
    if params is not None:
        body = _json({name: value for name, value in params.items() if value is not _LEFT_OUT})
        headers["Content-Type"] = "application/json"
    return json.loads(_ask(method, path, headers, body).read() or b"{}")


def _json(params):
    for field, value in params.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise HelperError(f"{field}: {error}", "invalid_argument") from None
    return json.dumps(params).encode()


_LEFT_OUT = object()


def _given(value):
    return _LEFT_OUT if value is None else value


def _path(name):
    if not isinstance(name, str) or name == "":
        raise HelperError("name: must be a text that is not empty", "invalid_argument")
    return "/v1/variables/" + quote(name, safe="")


def input():
    """A value for JSON, str for text, bytes for all else; None when there is none."""
    response = _ask("GET", "/v1/input")
    data = response.read()
    if response.status == 204:
        return None
    kind = response.getheader("Content-Type") or _BINARY
    if re.match(r"application/([\w.-]+\+)?json\b", kind, re.I):
        return json.loads(data)
    return data.decode() if kind.lower().startswith("text/") else data


def input_stream():
    """A file to read bytes from, or None. Its `type` is the content type."""
    response = _ask("GET", "/v1/input")
    if response.status == 204:
        return None
    response.type = response.getheader("Content-Type")
    return response


def input_file(path):
    """Written to `path`, which it gives back; None when there is none."""
    stream = input_stream()
    if stream is None:
        return None
    left = int(stream.getheader("Content-Length") or -1)
    with stream, open(path, "wb") as file:
        shutil.copyfileobj(stream, file, _PIECE)
        if left not in (-1, file.tell()):
            raise HelperError(f"the input broke off after {file.tell()} of {left} bytes", code="unavailable")
    return path


def output(value, type=None):
    """bytes go as they are, and so does a str with a `type`; all else goes as JSON."""
    raw = isinstance(value, (bytes, bytearray, memoryview))
    if raw:
        data = bytes(value)
    elif type is not None and isinstance(value, str):
        data = value.encode()
    else:
        data = json.dumps(value).encode()
        type = type or "application/json"
    _ask("PUT", "/v1/output", {"Content-Type": type or _BINARY}, data).read()


def output_stream(source, type=_BINARY):
    """`source`: a file open for reading bytes, or anything that gives bytes piece by piece."""
    _call("GET", "/v1/health")  # It can be sent only once: that somebody is there is asked first.
    pieces = iter(lambda: source.read(_PIECE), b"") if hasattr(source, "read") else source
    _ask("PUT", "/v1/output", {"Content-Type": type}, lambda: pieces, again=False).read()


def output_file(path, type=_BINARY):
    def pieces():
        with open(path, "rb") as file:
            yield from iter(lambda: file.read(_PIECE), b"")

    headers = {"Content-Type": type, "Content-Length": str(os.path.getsize(path))}
    _ask("PUT", "/v1/output", headers, pieces).read()


def get_variable(name, missing=None):
    found = _call("GET", _path(name))
    return found["value"] if found["exists"] else missing


def variable_exists(name):
    return _call("GET", _path(name))["exists"]


def set_variable(name, value, scope=None):
    _call("PUT", _path(name), {"value": value, "scope": _given(scope)})


def delete_variable(name, scope=None):
    query = "" if scope is None else "?scope=" + quote(scope)
    return _call("DELETE", _path(name) + query, once=True)["existed"]


def increment_variable(name, by=1, scope=None):
    return _call("POST", _path(name) + "/increment", {"by": by, "scope": _given(scope)}, once=True)["value"]


def append_variable(name, text, scope=None):
    return _call("POST", _path(name) + "/append", {"text": str(text), "scope": _given(scope)}, once=True)["value"]


def list_variables():
    return _call("GET", "/v1/variables")["names"]


def set_condition(value):
    if not isinstance(value, bool):
        raise HelperError(f"value: a condition is True or False, not {value!r}", "invalid_argument")
    _call("POST", "/v1/condition", {"value": value})


def event():
    return _call("GET", "/v1/event")


def event_field(name):
    return event().get(name)


def progress(percent=None, text=None):
    _call("POST", "/v1/progress", {"percent": _given(percent), "text": _given(text)})


def send_message(channel, content=None, action=None, template=None):
    """`content`: a text, or the input of the channel's action as a dict. Gives the id of the delivery."""
    filled = {"text": content} if isinstance(content, str) else content or {}
    params = {"channel": channel, "action": _given(action), "template": _given(template), "input": filled}
    return _call("POST", "/v1/messages", params, once=True)["delivery_id"]


def execute_tool_action(channel, action, content=None):
    return send_message(channel, content, action=action)


inputStream, inputFile, outputStream, outputFile = input_stream, input_file, output_stream, output_file
getVariable, setVariable, variableExists = get_variable, set_variable, variable_exists
deleteVariable, incrementVariable, appendVariable = delete_variable, increment_variable, append_variable
listVariables, setCondition, eventField, sendMessage = list_variables, set_condition, event_field, send_message
send_email = send_slack_message = send_discord_message = send_message
sendEmail = sendSlackMessage = sendDiscordMessage = send_message
executeToolAction = execute_tool_action
