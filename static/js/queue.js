// Calls on their way to the desk. Each is kept (vault.js) before it is sent and let go once the desk has it. Without the
// desk they wait, and go out one after the other in the order in which they were taken, in whatever tab that was; the desk
// knows each by its key, so that one whose answer was lost is not stored twice. Under a new sign-in they go out only when
// their author says so.
//
// Tells by events on the document: "queue-changed"; "queue-loaded", once; "call-answered" with the call and the desk's HTML; "call-refused".

import * as vault from "./vault.js";

const PATIENCE = 15000; // milliseconds for one call to be answered
const KEPT_WITHIN = 2000; // a disk that hangs holds no call up
const SOONEST = 3000;
const LATEST = 20000;
const GONE = new Set([502, 503, 504]);

const { user, signIn: ofPage } = document.body.dataset;
const { keys, log } = document.getElementById("queue").dataset;

/** In the order in which they were taken: {key, at, signIn, fields, name, id, tried, late, state, why}; id: its number in
 * the vault, null while this page alone has it; tried: it may have arrived; late: not for the first time; state: sending,
 * waiting or refused, then with why ({status, html}); release: ends that this tab has it in hand}. */
export const calls = [];
/** lost: since when there is no desk, or null; session: false once it has ended; others: calls of other people here. */
export const desk = { lost: null, session: true, others: 0 };

const back = new Set(); // the keys of what is in the row again, whatever the vault was just read to hold

let signIn = ofPage;
let flushing = false;
let timer;
let wait = SOONEST;
let keeping = Promise.resolve();

const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));
const changed = () => tell("queue-changed");

/** Taken under another sign-in: its author is to be asked. */
export const isAsking = (call) => call.state === "waiting" && call.signIn !== signIn;
const next = () => calls.find((call) => call.state === "waiting" && call.signIn === signIn);

function leave(call) {
  const at = calls.indexOf(call);
  if (at >= 0) calls.splice(at, 1);
  changed();
}

// Encrypting and writing take a moment. Until then the call lies where drafts do (drafts.js), which takes none: a page that
// dies in that moment must not take it along.
const MOMENT = `keep:${user}:sent:`;

const contentOf = ({ key, at, fields, name, signIn }) => ({ key, at, fields, name, signIn });

function hold(call) {
  try {
    localStorage.setItem(MOMENT + call.key, JSON.stringify(call));
  } catch {
    // full, or switched off: then the moment is a risk
  }
}

function held() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(MOMENT));
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  } catch {
    return [];
  }
}

function letGo({ key }) {
  try {
    localStorage.removeItem(MOMENT + key);
  } catch {
    // nothing was held either
  }
}

/** The calls that were kept before it, by their numbers. One after the other, in the order in which they were taken. */
function keep(call) {
  const content = contentOf(call);
  hold(content);
  keeping = keeping.then(async () => {
    const tooLate = new Promise((resolve) => setTimeout(resolve, KEPT_WITHIN, { before: [] }));
    const kept = vault.put(user, content).catch(() => ({ id: null, before: [] }));
    kept.then(({ id }) => {
      letGo(call);
      if (calls.includes(call)) call.id = id;
      else vault.drop(id); // saved, or back in the row, meanwhile
    });
    return (await Promise.race([kept, tooLate])).before;
  });
  return keeping;
}

// ── Which tab sends ───────────────────────────────────────────────────────
// A fresh call goes out beside others that are fresh, whatever tab they are in. What waits goes out from one tab at a time,
// that of the others with it, and a fresh call goes behind it. A tab has in hand what it sends; what was refused it has in
// hand until its author has seen to it. The browser ends all that with the tab; from one that hangs others take over.

// What waits, and what has gone out, is told to the other tabs, so that each says how many there are.
const tabs = new BroadcastChannel("desk-calls");
tabs.addEventListener("message", () => load());
const tellTabs = () => tabs.postMessage("moved");

const TURN = "desk-calls";
const sends = (id) => `desk-call-${id}`;
const parks = (id) => `desk-call-${id}-refused`;
const HANGS = PATIENCE + 1000; // milliseconds without an answer, in a tab that had to give up by then
const isOverdue = ({ at }) => Date.now() - at > KEPT_WITHIN + HANGS; // no tab sends it for the first time any more

/** The lock *name* for this tab: what ends it, or null while another has it. */
function take(name, options = { ifAvailable: true }) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((answer) => {
    navigator.locks
      .request(name, options, (lock) => (lock ? new Promise((release) => answer(release)) : answer(null)))
      .catch(() => {}); // another tab took over
  });
}

async function inHand(call) {
  if (call.id === null) return true;
  call.release = await take(sends(call.id));
  if (!call.release && isOverdue(call)) call.release = await take(sends(call.id), { steal: true });
  return Boolean(call.release);
}

function outOfHand(call) {
  call.release?.();
  call.release = null;
}

/** Sent, or back in the row, in another tab. */
const isGone = async ({ id }) => id !== null && !(await vault.ids(user).catch(() => [id])).includes(id);

const taken = async () => new Set((await navigator.locks?.query())?.held.map(({ name }) => name));

/** Whether one of *before*, the calls in the vault, waits in another tab. */
async function someWait(before) {
  const elsewhere = before.filter((id) => !calls.some((call) => call.id === id));
  if (!elsewhere.length) return false;
  const names = await taken();
  return names.has(TURN) || elsewhere.some((id) => !names.has(sends(id)) && !names.has(parks(id)));
}

/** Do *ask* when no other tab does; it is given a round, which is over as soon as another has taken over. */
async function alone(ask) {
  if (!navigator.locks) return ask({ over: false });
  const round = { over: false };
  let options = { signal: AbortSignal.timeout(HANGS) };
  for (;;) {
    const before = await vault.ids(user).catch(() => []);
    try {
      return await navigator.locks.request(TURN, options, () => ask(round));
    } catch (error) {
      round.over = error.name === "AbortError";
      if (round.over) return false;
      if (error.name !== "TimeoutError") throw error;
      const left = new Set(await vault.ids(user).catch(() => before));
      const hangs = before.every((id) => left.has(id));
      options = hangs ? { steal: true } : { signal: AbortSignal.timeout(HANGS) };
    }
  }
}

// ── Sending ───────────────────────────────────────────────────────────────

function csrf() {
  const found = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

async function ask(address, options) {
  try {
    const headers = { "HX-Request": "true", "X-Sign-In": signIn, "X-CSRFToken": csrf() };
    const response = await fetch(address, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

// How long ago it was taken is told in seconds: the clocks of the browser and of the desk may differ.
function form(call) {
  const body = new URLSearchParams(call.fields);
  body.set("key", call.key);
  const seconds = Math.round((Date.now() - call.at) / 1000);
  if (seconds > 0) body.set("waited", String(seconds));
  return body;
}

/** Send *call*, which is in hand; whether the next one may follow. */
async function post(call) {
  const body = form(call);
  call.late ||= call.tried;
  call.tried = true;
  const { status, text } = await ask(log, { method: "POST", body });
  if (status >= 200 && status < 300) {
    tell("call-answered", { call, html: text });
    leave(call);
    await vault.drop(call.id).finally(() => outOfHand(call));
    if (call.late) tellTabs();
    heard();
    return true;
  }
  if (status === 0 || GONE.has(status) || status === 401 || status === 409) {
    call.state = "waiting";
    outOfHand(call);
    tellTabs();
    if (status === 401) ended();
    else if (status === 409) await whose();
    else lost();
    return false;
  }
  call.state = "refused";
  call.why = { status, html: text };
  const parked = call.id === null ? null : await take(parks(call.id));
  outOfHand(call);
  call.release = parked;
  tell("call-refused", call);
  changed();
  return true;
}

/** Send *call* unless another tab sends it, or has; whether the next one may follow. */
async function send(call) {
  call.state = "sending";
  changed();
  if ((await inHand(call)) && !(call.late && (await isGone(call)))) return post(call);
  outOfHand(call);
  leave(call);
  return true;
}

// Those of the other tabs too, or they would follow out of their order.
async function sendWaiting(round) {
  await load().catch(() => {});
  for (let call = next(); call && !round.over; call = next()) {
    call.late = true;
    if (!(await send(call))) return false;
  }
  return true;
}

/** Send what waits when it is this tab's turn; what is left is tried again later. */
export async function flush() {
  if (flushing || !next()) return;
  flushing = true;
  const allSent = await alone(sendWaiting).catch(() => false);
  flushing = false;
  if (allSent && next()) return flush(); // taken in the last moment
  wait = Math.min(wait * 2, LATEST);
  again();
  changed();
}

function again() {
  clearTimeout(timer);
  if (!next()) return;
  timer = setTimeout(flush, wait * (0.8 + 0.4 * Math.random())); // fifty browsers need not come in the same moment
}

/** Send a call that has just been taken, or took its place behind those that wait. */
export async function add(fields, { name, key, at = Date.now(), tried = false }) {
  const behind = () => flushing || Boolean(next());
  const call = { key, at, signIn, fields, name, id: null, tried, late: false, state: "sending" };
  if (behind()) waitFor(call);
  back.delete(key);
  calls.push(call);
  changed();
  const before = await keep(call);
  if (call.state === "sending" && (behind() || (await someWait(before)))) waitFor(call);
  if (call.state === "waiting") tellTabs();
  if (call.state === "sending") await send(call);
  else await flush();
  again();
}

function waitFor(call) {
  Object.assign(call, { state: "waiting", late: true });
  changed();
}

/** The call leaves the queue for the row, unless it is on its way; its text is kept there as it is typed (drafts.js). */
export async function takeBack(call) {
  if (call.state === "sending" || (!call.release && !(await inHand(call))) || !calls.includes(call)) return false;
  back.add(call.key);
  leave(call);
  hold(contentOf(call));
  setTimeout(() => letGo(call), 500);
  vault.drop(call.id).finally(() => {
    outOfHand(call);
    tellTabs();
  });
  return true;
}

/** The author says that the calls from before her sign-in are to go out. */
export async function confirm() {
  for (const call of calls.filter(isAsking)) {
    call.signIn = signIn;
    const before = call.id;
    await keep(call);
    await vault.drop(before);
  }
  flush();
}

// ── Is the desk there, and who is signed in? ──────────────────────────────

function lost() {
  desk.lost ??= Date.now();
  changed();
}

function ended() {
  desk.session = false;
  changed();
}

function heard() {
  const news = desk.lost !== null || !desk.session;
  desk.lost = null;
  desk.session = true;
  wait = SOONEST;
  if (news) changed();
}

function isBack() {
  heard();
  if (vault.isLocked()) whose();
  else if (next()) flush();
}

const LEFT_WITHIN = 10000;
let leaving = false;
addEventListener("beforeunload", () => (leaving = true));

/** Somebody else's page becomes that of who is signed in. Where she is on her way to another it is left alone: a page that
 * renews itself would take her back. (What she asked for may be a file, and then the page stays after all.) */
export function becomeTheirs() {
  setTimeout(() => location.reload(), leaving ? LEFT_WITHIN : 0);
}

// Somebody else's page must not stay in this tab once she has signed in in another.
async function whose() {
  const { status, text } = await ask(keys, {});
  if (status === 401) ended();
  else if (status === 0 || GONE.has(status)) lost();
  if (status !== 200 || !text) return; // cut off: the page is being left
  const told = JSON.parse(text);
  if (told.user !== user) {
    if (calls.every((call) => call.id !== null)) becomeTheirs();
    return;
  }
  await vault.take(told);
  signIn = told.signIn;
  heard();
  for (const call of calls.filter((one) => one.id === null && one.state !== "sending")) await keep(call);
  changed();
}

async function load(cutOff = []) {
  const known = calls.filter((call) => call.state === "waiting" && call.id !== null);
  const found = await vault.all(user);
  const names = await taken();
  desk.others = found.others;
  for (const call of known) {
    if (call.state === "waiting" && !found.ids.has(call.id)) leave(call); // sent, or back in the row, in another tab
  }
  for (const call of found.calls) {
    const elsewhere = names.has(parks(call.id)) || (names.has(sends(call.id)) && !isOverdue(call));
    const here = back.has(call.key) || calls.some((one) => one.key === call.key);
    if (!elsewhere && !here) calls.push({ ...call, tried: true, state: "waiting" });
  }
  for (const held of cutOff) {
    if (calls.some((known) => known.key === held.key)) {
      letGo(held);
    } else {
      const call = { ...held, id: null, tried: true, state: "waiting" };
      calls.push(call);
      await keep(call);
    }
  }
  for (const call of calls.filter((one) => Date.now() - one.at > vault.LONGEST)) leave(call);
  calls.sort((one, other) => one.at - other.at);
  changed();
}

const cutOff = held(); // by a page that is gone, read before this one adds its own

async function start() {
  const { renew } = await vault.unlock(user, signIn);
  if (renew) await whose();
  await load(cutOff);
  tell("queue-loaded");
  flush();
}

addEventListener("online", () => flush());
document.addEventListener("visibilitychange", () => document.hidden || load().then(flush));
addEventListener("offline", lost);
for (const type of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(type, lost);
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if (GONE.has(status)) lost();
  else if (status === 401) ended();
  else if (status >= 200 && status < 500) isBack();
});
addEventListener("beforeunload", (event) => {
  if (calls.some((call) => call.id === null)) event.preventDefault();
});
setInterval(() => load().then(flush), 60000);
// In a moment: whoever listens to it has to have begun.
setTimeout(start);
