"""The official Python client of Ollama against a server; the address is the argument."""
import sys
from importlib.metadata import version

import ollama

client = ollama.Client(host=sys.argv[1])
hi = [{"role": "user", "content": "hi"}]

assert {model.model for model in client.list().models} == {"tiny:latest", "embed:latest"}
shown = client.show("tiny")
assert shown.modelinfo["llama.context_length"] == 256 and "tools" in shown.capabilities

answer = client.chat("tiny", hi, options={"num_predict": 5, "temperature": 0})
assert answer.done_reason == "length" and answer.eval_count == 5
pieces = list(client.chat("tiny", hi, options={"num_predict": 5, "temperature": 0}, stream=True))
assert "".join(piece.message.content for piece in pieces).strip() == answer.message.content
assert pieces[-1].done

schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}
assert '"n"' in client.chat("tiny", hi, format=schema).message.content


def weather(city: str) -> str:
    """Weather of a city.

    Args:
        city: the city
    """
    return "rain in " + city


client.chat("tiny", hi, tools=[weather], options={"num_predict": 3})
client.chat("tiny", hi + [
    {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "x"}}}]},
    {"role": "tool", "tool_name": "weather", "content": "rain"}], options={"num_predict": 1})

generated = client.generate("tiny", "hi", options={"num_predict": 3})
assert generated.context
assert client.generate("tiny", "more", context=generated.context, options={"num_predict": 1}).done
assert list(client.generate("tiny", "hi", raw=True, stream=True, options={"num_predict": 2}))[-1].done
assert len(client.embed("embed", ["a", "b"]).embeddings) == 2
assert client.embeddings("embed", "a").embedding
assert "tiny:latest" in {model.model for model in client.ps().models}
assert client.pull("tiny").status == "success"
assert [line.status for line in client.pull("tiny", stream=True)][-1] == "success"
client.generate("tiny", "", keep_alive=0)
assert "tiny:latest" not in {model.model for model in client.ps().models}
for action, status in [
    (lambda: client.chat("other", hi), 404),
    (lambda: client.chat("tiny", hi, think=True), 400),
    (lambda: client.delete("tiny"), 501),
    (lambda: client.copy("tiny", "x"), 501),
]:
    try:
        action()
        raise AssertionError("no error")
    except ollama.ResponseError as failure:
        assert failure.status_code == status, failure

print("ollama", version("ollama"), "is content")
