// How answers are made: what is left empty is the model's own.

const NUMBERS = ["temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "seed"];
const TEXTS = ["system", "stop", "schema", "tools", "thinking"];
const field = name => document.getElementById("s-" + name);

export function load() {
  const kept = JSON.parse(localStorage.getItem("settings") ?? "{}");
  for (const name of [...NUMBERS, ...TEXTS]) field(name).value = kept[name] ?? "";
  for (const name of [...NUMBERS, ...TEXTS]) field(name).addEventListener("change", save);
  document.getElementById("reset").addEventListener("click", () => {
    for (const name of [...NUMBERS, ...TEXTS]) field(name).value = "";
    save();
  });
}

function save() {
  const kept = {};
  for (const name of [...NUMBERS, ...TEXTS]) if (field(name).value !== "") kept[name] = field(name).value;
  localStorage.setItem("settings", JSON.stringify(kept));
}

export function system() {
  return field("system").value.trim();
}

// The fields of a request; fails with words for the user where JSON is none.
export function request() {
  const made = {};
  for (const name of NUMBERS) if (field(name).value !== "") made[name] = Number(field(name).value);
  const stop = field("stop").value.split("\n").filter(line => line);
  if (stop.length) made.stop = stop;
  const schema = json("schema", "The JSON schema");
  if (schema) made.response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
  const tools = json("tools", "The tools");
  if (tools) made.tools = (Array.isArray(tools) ? tools : [tools]).map(tool => tool.function ? tool : { type: "function", function: tool });
  if (field("thinking").value) made.chat_template_kwargs = { enable_thinking: field("thinking").value === "on" };
  return made;
}

function json(name, what) {
  const text = field(name).value.trim();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(what + " in the settings is not JSON: " + error.message);
  }
}
