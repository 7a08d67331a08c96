"""The official Python client of OpenAI against a server; the address is the argument."""
import json
import sys
from typing import Literal

import openai
from pydantic import BaseModel, ConfigDict

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)
hi = [{"role": "user", "content": "hi"}]

assert [model.id for model in client.models.list()] == ["tiny", "embed"]
assert client.models.retrieve("tiny").object == "model"

answer = client.chat.completions.create(model="tiny", messages=hi, max_tokens=5, seed=1, logprobs=True, top_logprobs=2)
assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 5
assert all(one.logprob <= 0 and len(one.top_logprobs) == 2 for one in answer.choices[0].logprobs.content)

text, usage, reason = "", None, None
for chunk in client.chat.completions.create(
    model="tiny", messages=hi, max_tokens=5, seed=1, stream=True, stream_options={"include_usage": True}
):
    usage = chunk.usage or usage
    for choice in chunk.choices:
        text += choice.delta.content or ""
        reason = choice.finish_reason or reason
assert text.strip() == answer.choices[0].message.content, (text, answer)
assert usage.completion_tokens == 5 and reason == "length"

tools = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"],
    "additionalProperties": False}}}]
call = client.chat.completions.create(
    model="tiny", messages=hi, tools=tools, tool_choice="required", parallel_tool_calls=False
).choices[0].message.tool_calls[0]
assert json.loads(call.function.arguments)["city"] in ("Paris", "Rome")
with client.chat.completions.stream(
    model="tiny", messages=hi, tools=tools, tool_choice="required", parallel_tool_calls=False
) as stream:
    for _ in stream:
        pass
    message = stream.get_final_completion().choices[0].message
assert message.tool_calls[0].function.name == "weather"
client.chat.completions.create(model="tiny", max_tokens=2, tools=tools, messages=hi + [
    {"role": "assistant", "tool_calls": [call.model_dump()]},
    {"role": "tool", "tool_call_id": call.id, "content": "rain"}])


class Number(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Literal["one", "two"]


parsed = client.chat.completions.parse(model="tiny", messages=hi, response_format=Number)
assert parsed.choices[0].message.parsed.name in ("one", "two")

vectors = client.embeddings.create(model="embed", input=["a cat", "a dog"])  # base64 unless told otherwise
plain = client.embeddings.create(model="embed", input="a cat", encoding_format="float")
assert len(vectors.data) == 2
assert abs(vectors.data[0].embedding[0] - plain.data[0].embedding[0]) < 1e-3

assert client.completions.create(model="tiny", prompt="a", max_tokens=3).choices[0].finish_reason == "length"
assert "".join(chunk.choices[0].text for chunk in client.completions.create(
    model="tiny", prompt="a", max_tokens=3, temperature=0, stream=True))

response = client.responses.create(model="tiny", input="hi", max_output_tokens=5, temperature=0)
assert response.id.startswith("resp_") and response.output_text
with client.responses.stream(model="tiny", input="hi", max_output_tokens=5, temperature=0) as stream:
    kinds = [event.type for event in stream]
assert kinds[0] == "response.created" and "response.output_text.delta" in kinds, kinds
assert client.responses.create(
    model="tiny", input="hi", tool_choice="required", parallel_tool_calls=False,
    tools=[{"type": "function", **tools[0]["function"]}]).output[-1].type == "function_call"

for error, fields in [
    (openai.BadRequestError, {"messages": [{"role": "user", "content": "long " * 2000}]}),
    (openai.BadRequestError, {"messages": hi, "temperature": 100, "top_p": 5}),
    (openai.NotFoundError, {"messages": hi, "model": "other"}),
]:
    try:
        client.chat.completions.create(**{"model": "tiny", **fields})
        raise AssertionError("no " + error.__name__)
    except error as failure:
        assert failure.message
try:
    client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "long " * 2000}], stream=True)
    raise AssertionError("no error for a stream")
except openai.BadRequestError as failure:
    assert failure.code == "context_length_exceeded", failure

print("openai", openai.__version__, "is content")
