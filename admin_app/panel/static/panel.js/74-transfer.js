// How far an import is; its page is loaded again when it is done.
behave("[data-importing]", (panel) => {
  const [bar, words] = [panel.querySelector("progress"), panel.querySelector("[role=status]")];
  const look = async () => {
    try {
      const { running, rows } = await ask(panel.dataset.importing);
      if (!running) return location.reload();
      bar.value = rows;
      words.textContent = _("{rows} of {total} rows", { rows: rows.toLocaleString(), total: bar.max.toLocaleString() });
    } catch {}
    setTimeout(look, 700);
  };
  setTimeout(look, 700);
});
