// A pop-up closes by Escape and by a click elsewhere.
document.addEventListener("keydown", (event) => {
  const open = [...document.querySelectorAll("[data-pop][open]")].at(-1);
  if (event.key !== "Escape" || !open || event.defaultPrevented) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("[data-pop][open]").forEach((each) => {
    if (!each.contains(event.target)) each.open = false;
  });
});

shortcuts.set("/", () => {
  const search = document.querySelector("[data-search]");
  search?.focus();
  search?.select();
  return Boolean(search);
});

// The colours change where one is, so that nothing typed is lost.
behave("[data-theme-form]", (form) => {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = event.submitter.value;
    const data = new FormData(form);
    data.set("theme", chosen);
    form.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(each === event.submitter)));
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    try {
      await fetch(form.action, { method: "POST", body: new URLSearchParams(data), redirect: "manual" });
    } catch {
      // The choice then lasts for this page.
    }
  });
});

// What has happened, for eight seconds, or for as long as somebody looks at it.
behave("[data-toast]", (box) => {
  let timer;
  const wait = () => { timer = setTimeout(() => box.remove(), 8000); };
  const stay = () => clearTimeout(timer);
  const dismiss = box.querySelector("[data-dismiss]");
  dismiss.hidden = false;
  dismiss.addEventListener("click", () => box.remove());
  for (const name of ["mouseenter", "focusin"]) box.addEventListener(name, stay);
  for (const name of ["mouseleave", "focusout"]) box.addEventListener(name, wait);
  wait();
});

// The same of what a script has done; with the address that undoes it, it can be undone.
function toast(text, undo = null) {
  document.querySelector("[data-toast]")?.remove();
  const box = element("div", { class: "toast", role: "status", "data-toast": true }, icon("check"), element("p", {}, text));
  if (undo) {
    const hidden = (name, value) => element("input", { type: "hidden", name, value });
    const token = hidden("_csrf", document.querySelector("meta[name=csrf]").content);
    box.append(element("form", { method: "post", action: undo }, token, hidden("next", location.pathname + location.search), element("button", { class: "ghost" }, _("Undo"))));
  }
  box.append(element("button", { type: "button", class: "ghost", "data-dismiss": true, "aria-label": _("Dismiss") }, icon("x")));
  document.body.append(box);
  enliven(box);
}

shortcuts.set("z", () => {
  const undo = document.querySelector("[data-toast] form button");
  undo?.click();
  return Boolean(undo);
});

// A second click while the first is on its way would write twice.
behave("form[method=post]:not([data-theme-form])", (form) => {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
  });
  addEventListener("pageshow", () => delete form.dataset.sent);
});
