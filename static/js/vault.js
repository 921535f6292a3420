// Calls that are not saved yet, in this browser's IndexedDB, encrypted (AES-GCM) with a key of the person signed in. The
// desk gives the key, the same to the same person alone; here it cannot be exported, and it leaves with the sign-in: what
// stays behind can be read again only by its author, after she has signed in again.

export const LONGEST = 24 * 60 * 60 * 1000; // a call
const LONGEST_KEYS = 12 * 60 * 60 * 1000; // as long as a session
const RENEWED = 60 * 60 * 1000; // the keys, while there is a desk to ask

let database;
let broken = false; // storage switched off, or full

// Without TLS a browser encrypts nothing; then the page alone keeps the calls, and says so.
const possible = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB) && !broken;

function open() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("desk-calls", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("calls", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("keys");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      broken = true;
      reject(request.error);
    };
  });
  return database;
}

/** What *ask* wants of the store *name*, once it is on the disk. */
async function within(name, mode, ask) {
  const transaction = (await open()).transaction(name, mode, { durability: "strict" });
  const request = ask(transaction.objectStore(name));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

// ── Keys ──────────────────────────────────────────────────────────────────

let ring = null; // {user, signIn, at, keys: [[id, CryptoKey]]}

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const imported = ({ id, secret }) =>
  crypto.subtle.importKey("raw", bytes(secret), "AES-GCM", false, ["encrypt", "decrypt"]).then((key) => [id, key]);

/** Take what the desk gave ({user, signIn, keys}) for this browser, instead of whatever was there. */
export async function take({ user, signIn, keys }) {
  if (!possible()) return;
  ring = { user, signIn, at: Date.now(), keys: await Promise.all(keys.map(imported)) };
  await within("keys", "readwrite", (store) => store.put(ring, "ring"));
}

/** The keys of *user* in her sign-in *signIn*, if this browser has them; says whether they are to be renewed. */
export async function unlock(user, signIn) {
  if (!possible()) return { renew: true };
  const kept = await within("keys", "readonly", (store) => store.get("ring")).catch(() => null);
  const age = Date.now() - (kept?.at ?? 0);
  if (kept?.user === user && kept.signIn === signIn && age < LONGEST_KEYS) ring = kept;
  return { renew: !ring || age > RENEWED };
}

/** There could be keys, and there are none yet. */
export const isLocked = () => possible() && !ring;

/** Nobody is signed in any more: without keys, and without the copy of a page that was one person's (worker.js). */
export async function forget() {
  ring = null;
  await globalThis.caches?.delete("desk-page");
  if (possible()) await within("keys", "readwrite", (store) => store.clear());
}

// ── Calls ─────────────────────────────────────────────────────────────────

// What stands beside the text in clear cannot be exchanged for another's: it is sealed in with it.
const sealed = (iv, owner, at) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(`${owner}|${at}`) });

/** Keep *call* for *owner*; its number in this browser, or null when it could not be kept. */
export async function put(owner, call) {
  if (!ring || ring.user !== owner) return null;
  const [keyId, key] = ring.keys[0];
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt(sealed(iv, owner, call.at), key, new TextEncoder().encode(JSON.stringify(call)));
  return within("calls", "readwrite", (store) => store.add({ owner, at: call.at, keyId, iv, data }));
}

export async function drop(id) {
  if (id !== null && possible()) await within("calls", "readwrite", (store) => store.delete(id));
}

export async function has(id) {
  return within("calls", "readonly", (store) => store.count(id)).then(Boolean);
}

/** *owner*'s calls in the order they were kept, each with its id, and how many are somebody else's; the old ones go. */
export async function all(owner) {
  const found = { calls: [], others: 0 };
  if (!possible()) return found;
  for (const { id, at, keyId, iv, data, ...entry } of await within("calls", "readonly", (store) => store.getAll())) {
    const key = ring?.keys.find(([known]) => known === keyId)?.[1];
    if (Date.now() - at > LONGEST) await drop(id);
    else if (entry.owner !== owner) found.others += 1;
    else if (key) {
      const text = await crypto.subtle.decrypt(sealed(iv, owner, at), key, data).catch(() => null);
      if (text) found.calls.push({ ...JSON.parse(new TextDecoder().decode(text)), id });
    }
  }
  return found;
}
