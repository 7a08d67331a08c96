// Conversations, kept in this browser alone.

const opening = new Promise((resolve, reject) => {
  const request = indexedDB.open("nibble", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("conversations", { keyPath: "id" });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function run(mode, action) {
  const database = await opening;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("conversations", mode);
    const request = action(transaction.objectStore("conversations"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
  });
}

export async function all() {
  const list = await run("readonly", store => store.getAll());
  return list.sort((a, b) => b.changed - a.changed);
}

export function put(conversation) {
  return run("readwrite", store => store.put(structuredClone(conversation)));
}

export function remove(id) {
  return run("readwrite", store => store.delete(id));
}

export function create() {
  return { id: crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random(), title: "", changed: Date.now(), messages: [] };
}
