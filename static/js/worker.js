// The service worker: the agent's page opens without the desk. It keeps the page's parts, which are the same for
// everybody, and one copy of the page itself, made for being kept: no caller is on it. Online the desk answers; the copies
// stand in only when it does not. What it is given (self.desk) comes from tickets/views/queue.py.

const { version, page, offline, parts } = self.desk;
const PARTS = `desk-parts-${version}`;
const PAGE = "desk-page"; // vault.js deletes it when its person signs out
const PATIENCE = 8000; // milliseconds until a desk that does not answer is gone
const LONGEST = 12 * 60 * 60 * 1000; // as long as a session

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const answered = (response) => response && ![502, 503, 504].includes(response.status);

/** A new copy of the page of whoever is signed in now; none when nobody is. */
async function renew() {
  const response = await fetch(offline, { headers: { "HX-Request": "true" }, cache: "no-store" }).catch(() => null);
  if (response?.ok) await (await caches.open(PAGE)).put(page, response);
  else if (answered(response)) await caches.delete(PAGE);
}

async function install() {
  await (await caches.open(PARTS)).addAll(parts.map((part) => new Request(part, { cache: "reload" })));
  await self.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith("desk-parts-") && name !== PARTS);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function kept(name, address) {
  const response = await (await caches.open(name)).match(address);
  const age = Date.now() - Date.parse(response?.headers.get("date") ?? "");
  return name === PAGE && !(age < LONGEST) ? undefined : response;
}

async function freshOrKept(request, name, address) {
  const fresh = fetch(request).catch(() => undefined);
  const first = await Promise.race([fresh, pause(PATIENCE)]);
  if (answered(first)) return first;
  return (await kept(name, address)) ?? (await fresh) ?? Response.error();
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.data === "renew" && event.waitUntil(renew()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (event.request.mode === "navigate" && pathname === page) event.respondWith(freshOrKept(event.request, PAGE, page));
  else if (parts.includes(pathname)) event.respondWith(freshOrKept(event.request, PARTS, pathname));
});
