// Markdown to nodes of the page. Nothing is ever read as HTML: what a model writes can become text, emphasis, code, lists,
// tables and links, and nothing that runs or loads.

const BLOCK = /^(?:```|~~~|#{1,6}\s|>\s?|[-*+]\s|\d{1,9}[.)]\s|\|)/;

export function render(text) {
  const fragment = document.createDocumentFragment();
  blocks(text.replace(/\r\n?/g, "\n").split("\n"), fragment, 0);
  return fragment;
}

function blocks(lines, parent, depth) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = /^\s{0,3}(```+|~~~+)\s*([\w+#.-]*)/.exec(line);
    if (fence) {
      const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(fence[1]) && !other.trim().slice(fence[1].length).trim());
      const last = end < 0 ? lines.length : end; // one that is not closed yet goes to the end
      parent.append(code(lines.slice(at + 1, last).join("\n"), fence[2]));
      at = last + 1;
    } else if (/^#{1,6}\s/.test(line)) {
      const level = Math.min(5, 2 + /^#+/.exec(line)[0].length);
      parent.append(inline(line.replace(/^#+\s+/, "").replace(/\s+#+$/, ""), "h" + Math.max(3, level)));
      at++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      parent.append(document.createElement("hr"));
      at++;
    } else if (/^>\s?/.test(line) && depth < 8) {
      let end = at;
      while (end < lines.length && /^>\s?/.test(lines[end])) end++;
      const quote = document.createElement("blockquote");
      blocks(lines.slice(at, end).map(one => one.replace(/^>\s?/, "")), quote, depth + 1);
      parent.append(quote);
      at = end;
    } else if (/^\s*(?:[-*+]|\d{1,9}[.)])\s+/.test(line) && depth < 8) {
      at = list(lines, at, parent, depth);
    } else if (line.includes("|") && at + 1 < lines.length && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1])) {
      at = table(lines, at, parent);
    } else if (!line.trim()) {
      at++;
    } else {
      let end = at + 1;
      while (end < lines.length && lines[end].trim() && !BLOCK.test(lines[end])) end++;
      parent.append(inline(lines.slice(at, end).join("\n"), "p"));
      at = end;
    }
  }
}

function list(lines, start, parent, depth) {
  const first = /^(\s*)([-*+]|\d{1,9}[.)])\s+/.exec(lines[start]);
  const ordered = /\d/.test(first[2]);
  const element = document.createElement(ordered ? "ol" : "ul");
  if (ordered && parseInt(first[2], 10) !== 1) element.start = parseInt(first[2], 10);
  let at = start;
  while (at < lines.length) {
    const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/.exec(lines[at]);
    if (!item || item[1].length < first[1].length || /\d/.test(item[2]) !== ordered) break;
    const inner = [item[3]];
    const indent = item[1].length + 2;
    at++;
    while (at < lines.length && (!lines[at].trim() || /^\s*/.exec(lines[at])[0].length >= indent)) {
      if (!lines[at].trim() && !(at + 1 < lines.length && /^\s*/.exec(lines[at + 1])[0].length >= indent)) break;
      inner.push(lines[at].slice(Math.min(indent, /^\s*/.exec(lines[at])[0].length)));
      at++;
    }
    const entry = document.createElement("li");
    if (inner.length === 1) spans(inner[0], entry);
    else blocks(inner, entry, depth + 1);
    element.append(entry);
    if (at < lines.length && !lines[at].trim() && at + 1 < lines.length && /^\s*(?:[-*+]|\d{1,9}[.)])\s+/.test(lines[at + 1])) at++;
  }
  parent.append(element);
  return at;
}

function table(lines, start, parent) {
  const cells = line => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map(cell => cell.trim().replace(/\\\|/g, "|"));
  const element = document.createElement("table");
  let at = start;
  while (at < lines.length && lines[at].includes("|")) {
    if (at !== start + 1) {
      const row = document.createElement("tr");
      for (const cell of cells(lines[at])) row.append(inline(cell, at === start ? "th" : "td"));
      element.append(row);
    }
    at++;
  }
  parent.append(element);
  return at;
}

function code(text, language) {
  const box = document.createElement("div");
  box.className = "code";
  const head = document.createElement("div");
  head.className = "code-head";
  const name = document.createElement("span");
  name.textContent = language || "code";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "quiet";
  copy.textContent = "Copy";
  copy.addEventListener("click", () => copyText(text, copy));
  head.append(name, copy);
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  const inner = document.createElement("code");
  inner.textContent = text;
  pre.append(inner);
  box.append(head, pre);
  return box;
}

export async function copyText(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Cannot copy";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

function inline(text, tag) {
  const element = document.createElement(tag);
  spans(text, element);
  return element;
}

const SPAN = /(`+)([\s\S]+?)\1(?!`)|\*\*([^\s*](?:[\s\S]*?[^\s*])?)\*\*|__([^\s_](?:[\s\S]*?[^\s_])?)__|\*([^\s*](?:[^*]*[^\s*])?)\*|(?<![\w])_([^\s_](?:[^_]*[^\s_])?)_(?!\w)|~~([^~]+)~~|!?\[([^\]]*)\]\(([^)\s]+)(?:\s+"[^"]*")?\)|(https?:\/\/[^\s<>)\]]+)/;

function spans(text, parent, depth = 0) {
  let rest = text;
  for (let match = depth < 12 ? SPAN.exec(rest) : null; match; match = SPAN.exec(rest)) {
    lines(rest.slice(0, match.index), parent);
    if (match[1]) {
      const element = document.createElement("code");
      element.textContent = match[2].trim() || match[2];
      parent.append(element);
    } else if (match[9] !== undefined || match[10]) {
      link(match[9] ?? match[10], match[8] ?? match[10], parent);
    } else {
      const tag = match[3] || match[4] ? "strong" : match[7] ? "del" : "em";
      const element = document.createElement(tag);
      spans(match[3] ?? match[4] ?? match[5] ?? match[6] ?? match[7], element, depth + 1);
      parent.append(element);
    }
    rest = rest.slice(match.index + match[0].length);
  }
  lines(rest, parent);
}

function lines(text, parent) {
  text.split("\n").forEach((line, index) => {
    if (index > 0) parent.append(document.createElement("br"));
    if (line) parent.append(line);
  });
}

// Only what opens a page when it is clicked; an image would be loaded at once, and tell its server of the conversation.
function link(address, label, parent) {
  if (!/^https?:\/\//i.test(address)) {
    parent.append(label);
    return;
  }
  const element = document.createElement("a");
  element.href = address;
  element.textContent = label || address;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow";
  parent.append(element);
}
