"""One request for runyard.sh: SOCKET METHOD PATH DIR BODY [HEADER ...]"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from runyard import _Connection, _where  # noqa: E402

place, method, path, directory, body, *lines = sys.argv[1:]
headers = {name: value.strip() for name, value in (line.split(":", 1) for line in lines) if value.strip()}
headers.update({"Authorization": f"Bearer {_where()[1]}", "Connection": "close"})
source = None
if body == "-":
    source = iter(lambda: sys.stdin.buffer.read1(65536), b"")
    headers["Transfer-Encoding"] = "chunked"
elif body:
    source = open(body[1:], "rb")
    headers["Content-Length"] = str(os.fstat(source.fileno()).st_size)
try:
    connection = _Connection(place)
    connection.connect()
    try:
        connection.request(method, path, source, headers, encode_chunked=body == "-")
    except (BrokenPipeError, ConnectionResetError):
        pass  # The answer says why.
    response = connection.getresponse()
    with open(os.path.join(directory, "head"), "w") as head:
        head.write(f"HTTP/1.1 {response.status}\n" + "".join(f"{name}: {value}\n" for name, value in response.getheaders()))
    refused = response.status >= 300
    expected = int(response.getheader("Content-Length") or 0)
    with open(os.path.join(directory, "error"), "wb") if refused else sys.stdout.buffer as out:
        shutil.copyfileobj(response, out, 262144)
    if response.length:
        raise ConnectionError(f"{response.length} of {expected} bytes are missing")
except OSError as error:
    sys.exit(str(error))
