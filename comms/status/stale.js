/* Shows that the page was not renewed for three minutes. The reader's clock may be wrong: it only makes us ask the site
   what time it is, and once the page has been open for so long we ask in any case. No answer shows it as well. */
(() => {
  const mark = document.getElementById("stale");
  const since = Date.parse(mark.querySelector("time").dateTime);
  const limit = 180000;
  const look = async () => {
    if (Date.now() - since < limit && performance.now() < limit) return;
    try {
      const answer = await fetch(location.href, { method: "HEAD", cache: "no-store", credentials: "omit" });
      const now = Date.parse(answer.headers.get("Date")) || Date.now();
      mark.hidden = answer.ok && now - since < limit;
    } catch {
      mark.hidden = false;
    }
  };
  look();
  setInterval(look, 60000);
})();
