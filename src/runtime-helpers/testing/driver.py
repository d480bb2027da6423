"""As driver.cjs."""
import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import cronium


def increments(name, times):
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda _: cronium.increment_variable(name), range(int(times))))


def scoped(name):
    cronium.set_variable(name, "a", scope="global")
    cronium.append_variable(name, "b", scope="global")
    return cronium.delete_variable(name, scope="global")


operations = {
    "scoped": scoped,
    "get": cronium.getVariable,
    "exists": cronium.variableExists,
    "set": lambda name, value: cronium.setVariable(name, json.loads(value)),
    "delete": cronium.delete_variable,
    "increment": lambda name, by: cronium.incrementVariable(name, float(by) if "." in by else int(by)),
    "increments": increments,
    "append": lambda name, text: cronium.append_variable(name, json.loads(text)),
    "unnamed": lambda: cronium.setVariable("", 1),
    "nan": lambda: cronium.setVariable("n", {"a": float("nan")}),
    "names": lambda: [one["name"] for one in cronium.list_variables()],
    "condition": lambda value: cronium.setCondition(json.loads(value)),
    "event": cronium.event,
    "progress": lambda percent, text: cronium.progress(float(percent), json.loads(text)),
    "send": lambda channel, text: cronium.send_message(channel, json.loads(text)),
    "input": cronium.input,
    "output": lambda value: cronium.output(json.loads(value)),
    "echo": lambda: cronium.output(cronium.input()),
    "input_file": cronium.input_file,
    "output_file": cronium.output_file,
    "pipe": lambda: cronium.output_stream(cronium.input_stream()),
}

for line in sys.stdin.buffer:
    operation, *given = line.decode().rstrip("\n").split("\t")
    try:
        told = ("ok", json.dumps(operations[operation](*given), ensure_ascii=False, separators=(",", ":")))
    except Exception as error:
        told = ("error", str(error))
    print(told[0], base64.b64encode(told[1].encode()).decode(), sep="\t", flush=True)
