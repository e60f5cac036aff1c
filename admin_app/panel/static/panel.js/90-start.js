enliven(document);
document.querySelector("[data-focus]")?.focus();
