// The official Node client of Ollama against a server; the address is the argument.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ollama } from "ollama";

const client = new Ollama({ host: process.argv[2] });
const hi = [{ role: "user", content: "hi" }];
const options = { num_predict: 5, temperature: 0 };

assert.deepEqual((await client.list()).models.map((model) => model.model).sort(), ["embed:latest", "tiny:latest"]);
assert.ok((await client.show({ model: "tiny" })).capabilities.includes("tools"));

const whole = await client.chat({ model: "tiny", messages: hi, options });
assert.equal(whole.done_reason, "length");
assert.equal(whole.eval_count, 5);
let text = "";
for await (const part of await client.chat({ model: "tiny", messages: hi, options, stream: true })) {
  text += part.message.content;
}
assert.equal(text.trim(), whole.message.content.trim());

const schema = { type: "object", properties: { n: { enum: [1, 2] } }, required: ["n"], additionalProperties: false };
assert.ok([1, 2].includes(JSON.parse((await client.chat({ model: "tiny", messages: hi, format: schema })).message.content).n));
const tool = { type: "function", function: { name: "weather", description: "", parameters: schema } };
await client.chat({ model: "tiny", messages: hi, tools: [tool], options });
await client.chat({ model: "tiny", options, messages: [...hi,
  { role: "assistant", content: "", tool_calls: [{ function: { name: "weather", arguments: { n: 1 } } }] },
  { role: "tool", tool_name: "weather", content: "rain" }] });

assert.ok((await client.generate({ model: "tiny", prompt: "hi", options })).context.length > 0);
const endless = await client.generate({ model: "tiny", prompt: "hi", raw: true, stream: true, options: { ignore_eos: true } });
await assert.rejects(async () => {
  for await (const part of endless) endless.abort();
}, { name: "AbortError" });
assert.equal((await client.embed({ model: "embed", input: ["a", "b"] })).embeddings.length, 2);
assert.ok((await client.embeddings({ model: "embed", prompt: "a" })).embedding.length > 0);
assert.ok((await client.ps()).models.some((model) => model.model === "tiny:latest"));
assert.equal((await client.pull({ model: "tiny" })).status, "success");
for await (const line of await client.pull({ model: "tiny", stream: true })) assert.ok(line.status);
await assert.rejects(client.chat({ model: "other", messages: hi }), (error) => error.status_code === 404);
await assert.rejects(client.delete({ model: "tiny" }), (error) => error.status_code === 501);

const version = JSON.parse(readFileSync(new URL("node_modules/ollama/package.json", import.meta.url))).version;
console.log("ollama for Node", version, "is content");
