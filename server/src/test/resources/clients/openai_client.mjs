// The official Node client of OpenAI against a server; the address is the argument.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { VERSION } from "openai/version";

const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const hi = [{ role: "user", content: "hi" }];

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ["tiny", "embed"]);

const whole = await client.chat.completions.create({ model: "tiny", messages: hi, max_tokens: 5, temperature: 0 });
assert.equal(whole.choices[0].finish_reason, "length");
assert.equal(whole.usage.completion_tokens, 5);
let text = "";
let usage = null;
for await (const chunk of await client.chat.completions.create({
  model: "tiny", messages: hi, max_tokens: 5, temperature: 0, stream: true, stream_options: { include_usage: true },
})) {
  text += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text.trim(), whole.choices[0].message.content.trim());
assert.equal(usage.completion_tokens, 5);

const schema = {
  type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"], additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
const forced = { model: "tiny", messages: hi, tools, tool_choice: "required", parallel_tool_calls: false };
const call = (await client.chat.completions.create(forced)).choices[0].message.tool_calls[0];
assert.ok(["Paris", "Rome"].includes(JSON.parse(call.function.arguments).city));
const streamed = await client.chat.completions.stream(forced).finalChatCompletion();
assert.equal(streamed.choices[0].message.tool_calls[0].function.name, "weather");
const format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
const parsed = await client.chat.completions.parse({ model: "tiny", messages: hi, response_format: format });
assert.ok(["Paris", "Rome"].includes(parsed.choices[0].message.parsed.city));

const vectors = await client.embeddings.create({ model: "embed", input: ["a cat", "a dog"] }); // base64 unless told otherwise
const plain = await client.embeddings.create({ model: "embed", input: "a cat", encoding_format: "float" });
assert.equal(vectors.data.length, 2);
assert.ok(Math.abs(vectors.data[0].embedding[0] - plain.data[0].embedding[0]) < 1e-3);

assert.equal((await client.completions.create({ model: "tiny", prompt: "a", max_tokens: 3 })).choices.length, 1);
const kinds = [];
const stream = client.responses.stream({ model: "tiny", input: "hi", max_output_tokens: 5, temperature: 0 });
for await (const event of stream) kinds.push(event.type);
assert.equal(kinds[0], "response.created");
assert.ok(kinds.includes("response.output_text.delta"), kinds.join());
assert.ok((await stream.finalResponse()).id.startsWith("resp_"));

const aborted = await client.chat.completions.create({ model: "tiny", messages: hi, stream: true });
for await (const chunk of aborted) break; // which closes the connection
await assert.rejects(
  client.chat.completions.create({ model: "tiny", messages: [{ role: "user", content: "long ".repeat(2000) }], stream: true }),
  (error) => error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded");
await assert.rejects(
  client.chat.completions.create({ model: "other", messages: hi }), (error) => error instanceof OpenAI.NotFoundError);

console.log("openai for Node", VERSION, "is content");
