// What is not saved yet, encrypted (AES-GCM) with a key of the person signed in: calls, in this browser's IndexedDB, and
// drafts (drafts.js). The desk gives the key, the same to the same person alone; here it cannot be exported, and it leaves
// with the sign-in: what stays behind can be read again only by its author, after she has signed in again.

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

let opens;
/** Settled as soon as there are keys; where there will be none, never. */
export const opened = new Promise((settle) => (opens = settle));

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const imported = ({ id, secret }) =>
  crypto.subtle.importKey("raw", bytes(secret), "AES-GCM", false, ["encrypt", "decrypt"]).then((key) => [id, key]);

/** Take what the desk gave ({user, signIn, keys}) for this browser, instead of whatever was there. */
export async function take({ user, signIn, keys }) {
  if (!possible()) return;
  ring = { user, signIn, at: Date.now(), keys: await Promise.all(keys.map(imported)) };
  opens();
  await within("keys", "readwrite", (store) => store.put(ring, "ring"));
}

/** The keys of *user* in her sign-in *signIn*, if this browser has them; says whether they are to be renewed. */
export async function unlock(user, signIn) {
  if (!possible()) return { renew: true };
  const kept = await within("keys", "readonly", (store) => store.get("ring")).catch(() => null);
  const age = Date.now() - (kept?.at ?? 0);
  if (kept?.user === user && kept.signIn === signIn && age < LONGEST_KEYS) {
    ring = kept;
    opens();
  }
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

// ── Sealing ───────────────────────────────────────────────────────────────

// What stands beside the text in clear cannot be exchanged for another's: it is sealed in with it.
const cipher = (iv, beside) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(beside) });

/** Whether what *user* types can be sealed now. */
export const isOpen = (user) => ring?.user === user;

/** *text* for nobody but who is signed in now, bound to what stands *beside* it. */
export async function seal(text, beside) {
  const [keyId, key] = ring.keys[0];
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { keyId, iv, data: await crypto.subtle.encrypt(cipher(iv, beside), key, new TextEncoder().encode(text)) };
}

/** The text, or null when these keys do not open it. */
export async function unseal({ keyId, iv, data }, beside) {
  const key = ring?.keys.find(([known]) => known === keyId)?.[1];
  const text = key && (await crypto.subtle.decrypt(cipher(iv, beside), key, data).catch(() => null));
  return text ? new TextDecoder().decode(text) : null;
}

// ── Calls ─────────────────────────────────────────────────────────────────

/** Keep *call* for *owner*: its number in this browser (null when it could not be kept) and those of hers before it. */
export async function put(owner, call) {
  if (!isOpen(owner)) return { id: null, before: [] };
  const sealed = await seal(JSON.stringify(call), `${owner}|${call.at}`);
  let kept;
  const id = await within("calls", "readwrite", (store) => {
    kept = store.getAll();
    return store.add({ owner, at: call.at, ...sealed });
  });
  return { id, before: kept.result.filter((one) => one.owner === owner).map((one) => one.id) };
}

export async function drop(id) {
  if (id !== null && possible()) await within("calls", "readwrite", (store) => store.delete(id));
}

/** The numbers of *owner*'s calls. */
export async function ids(owner) {
  if (!possible()) return [];
  const kept = await within("calls", "readonly", (store) => store.getAll());
  return kept.filter((one) => one.owner === owner).map(({ id }) => id);
}

/** *owner*'s calls in the order they were kept, each with its id, and how many are somebody else's; the old ones go. */
export async function all(owner) {
  const found = { calls: [], ids: new Set(), others: 0 };
  if (!possible()) return found;
  for (const { id, at, owner: author, ...sealed } of await within("calls", "readonly", (store) => store.getAll())) {
    if (Date.now() - at > LONGEST) await drop(id);
    else if (author !== owner) found.others += 1;
    else {
      found.ids.add(id);
      const text = await unseal(sealed, `${owner}|${at}`);
      if (text) found.calls.push({ ...JSON.parse(text), id });
    }
  }
  return found;
}
