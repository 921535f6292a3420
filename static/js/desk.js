// Every desk page: the token of the newest sign-in on each request, and the list of keys.

function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = cookie("csrftoken");
});

export const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "?" && document.body.dataset.singleKeys === "on") {
    const keys = document.getElementById("keys");
    if (keys && !keys.open) {
      event.preventDefault();
      keys.showModal();
    }
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target instanceof Element && event.target.closest("[data-keys-help]");
  const keys = document.getElementById("keys");
  if (opener && keys) {
    event.preventDefault();
    keys.showModal();
  }
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const digit = /^Digit([1-9])$/.exec(event.code);
  const link = digit && document.querySelector(`[data-incident="${digit[1]}"]`);
  if (link instanceof HTMLAnchorElement) {
    event.preventDefault();
    link.click();
  }
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  // On a Mac, Option+M types a sign: then the key's place counts.
  const written = /^[a-z]$/i.test(event.key) ? event.key : (/^Key([A-Z])$/.exec(event.code)?.[1] ?? event.key);
  const target = document.querySelector(`[data-alt-key="${CSS.escape(written.toLowerCase())}"]`);
  if (target instanceof HTMLElement) {
    event.preventDefault();
    target.click();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.body.dataset.singleKeys !== "on" || document.querySelector("dialog[open]")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (target instanceof HTMLElement) {
    event.preventDefault();
    target.click();
  }
});

// A live part that is drawn anew keeps what the reader had done in it: the place of the keyboard, what she had
// unfolded, how far she had scrolled.
const before = new Map();

function remember(part) {
  if (!part?.id) return;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  before.set(part.id, {
    href: focused?.getAttribute("href"),
    fold: [...part.querySelectorAll("summary")].indexOf(focused),
    open: [...part.querySelectorAll("details")].map((details) => details.open),
    scrolled: [part, ...part.querySelectorAll("*")].map((inner) => [inner.className, inner.scrollTop]).filter(([, top]) => top),
  });
}

function bringBack(part) {
  const was = before.get(part?.id);
  if (!was) return;
  before.delete(part.id);
  part.querySelectorAll("details").forEach((details, at) => (details.open = was.open[at] ?? details.open));
  for (const [name, top] of was.scrolled) {
    const inner = [part, ...part.querySelectorAll("*")].find((one) => one.className === name);
    if (inner) inner.scrollTop = top;
  }
  const link = was.href && part.querySelector(`a[href="${CSS.escape(was.href)}"]`);
  (link || part.querySelectorAll("summary")[was.fold])?.focus({ preventScroll: true });
}

for (const type of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) {
  document.addEventListener(type, (event) => remember(event.detail.target));
}
document.addEventListener("htmx:afterSettle", () => {
  for (const id of [...before.keys()]) bringBack(document.getElementById(id));
});

document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
});

// A text to be posted by hand goes to the clipboard; without a secure address the old way does it.
for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-copies]");
  const text = button && document.getElementById(button.dataset.copies);
  if (!text) return;
  text.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(text.value);
  else document.execCommand("copy");
  button.nextElementSibling.textContent = button.dataset.copied;
});
