/// Review by keyboard, and marks without loading the page anew.
enum ReviewScript {
    static let text: StaticString = #"""
        // Marks images by key or button. Without this script the same buttons are a form.
        const keys = { a: "accept", r: "reject", d: "duplicate", l: "leak", "?": "unsure" };
        const status = document.getElementById("status");
        const undone = [];

        const cards = () => [...document.querySelectorAll("[data-image][tabindex]")]
          .filter((card) => card.offsetParent !== null);

        function current() {
          const card = document.activeElement && document.activeElement.closest("[data-image][tabindex]");
          return card || document.querySelector("[data-image].current");
        }

        function go(card) {
          if (!card) return;
          document.querySelector("[data-image].current")?.classList.remove("current");
          card.classList.add("current");
          card.focus({ preventScroll: true });
          card.scrollIntoView({ block: "nearest" });
        }

        // Where the card below or above stands, whatever the number of columns.
        function vertical(list, index, direction) {
          const from = list[index].getBoundingClientRect();
          let best = null;
          let distance = Infinity;
          for (let i = index + direction; i >= 0 && i < list.length; i += direction) {
            const to = list[i].getBoundingClientRect();
            if (direction * (to.top - from.top) < from.height / 2) continue;
            const gap = Math.abs(to.top - from.top) * 4 + Math.abs(to.left - from.left);
            if (gap < distance) { best = list[i]; distance = gap; } else if (best) break;
          }
          return best;
        }

        function step(key) {
          const list = cards();
          const index = list.indexOf(current());
          if (index < 0) return go(list[0]);
          if (key === "ArrowDown" || key === "ArrowUp") {
            return go(vertical(list, index, key === "ArrowDown" ? 1 : -1));
          }
          go(list[index + (key === "j" || key === "ArrowRight" ? 1 : -1)]);
        }

        function show(card, mark) {
          card.dataset.mark = mark === "none" ? "" : mark;
          for (const button of card.querySelectorAll("button[data-set]")) {
            const chosen = button.dataset.set === mark;
            button.setAttribute("aria-pressed", chosen);
            button.value = (chosen ? "none" : button.dataset.set) + " " + card.dataset.image;
          }
        }

        async function mark(card, word, remember = true) {
          const id = card.dataset.image;
          const before = card.dataset.mark || "none";
          show(card, word);
          try {
            const response = await fetch("/api/marks", {
              method: "POST",
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify({ id, mark: word }),
            });
            if (!response.ok) throw new Error((await response.text()).trim());
            const answer = await response.json();
            if (remember) undone.push({ id, mark: answer.previous });
            status.textContent = word === "none" ? "mark taken back" : "marked: " + word;
            document.body.dataset.saved = String(Number(document.body.dataset.saved || 0) + 1);
          } catch (error) {
            show(card, before);
            status.textContent = "not saved: " + error.message;
          }
        }

        function undo() {
          const last = undone.pop();
          if (!last) { status.textContent = "nothing to undo"; return; }
          const card = document.querySelector(`[data-image="${CSS.escape(last.id)}"]`);
          if (!card) return;
          go(card);
          mark(card, last.mark, false);
        }

        document.addEventListener("click", (event) => {
          const button = event.target.closest("button[data-set]");
          if (!button) return;
          event.preventDefault();
          const card = button.closest("[data-image]");
          mark(card, button.value.split(" ")[0]);
        });

        document.addEventListener("focusin", (event) => {
          const card = event.target.closest("[data-image][tabindex]");
          if (!card) return;
          document.querySelector("[data-image].current")?.classList.remove("current");
          card.classList.add("current");
        });

        document.addEventListener("keydown", (event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          if (event.target.closest("input, select, textarea")) return;
          if (["j", "k", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) {
            event.preventDefault();
            step(event.key);
          } else if (event.key === "u") {
            undo();
          } else if (keys[event.key]) {
            const card = current();
            if (card && card.querySelector("button[data-set]")) {
              mark(card, keys[event.key]).then(() => {});
              const list = cards();
              if (list.length > 1) go(list[list.indexOf(card) + 1]);
            }
          } else if (event.key === "Enter" && event.target.matches("[data-image][tabindex]")) {
            event.target.querySelector("a.picture")?.click();
          }
        });
        """#
}
