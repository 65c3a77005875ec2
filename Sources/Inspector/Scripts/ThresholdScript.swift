/// The threshold as a line that can be dragged.
enum ThresholdScript {
    static let text: StaticString = #"""
        // Moves the line with the pointer or the slider, and asks the server what would be left.
        const plots = [...document.querySelectorAll("#similarity .plot")];
        const form = document.getElementById("threshold");
        const slider = document.getElementById("value");

        if (plots.length > 0 && form && slider) {
          form.querySelector("button").hidden = true;
          let wanted = null;
          let isAsking = false;

          // Where a drawing's axis begins and ends, in its own units and in similarities.
          function axis(plot) {
            const width = plot.querySelector("svg").viewBox.baseVal.width;
            const [low, high, left, right] = ["low", "high", "left", "right"].map((name) => Number(plot.dataset[name]));
            return { width, low, high, left: left * width, right: right * width };
          }

          function draw(value) {
            for (const plot of plots) {
              const { low, high, left, right } = axis(plot);
              const x = left + (Math.min(Math.max(value, low), high) - low) / (high - low) * (right - left);
              const line = plot.querySelector("line.threshold");
              line.setAttribute("x1", x);
              line.setAttribute("x2", x);
              plot.querySelector(".below").setAttribute("width", Math.max(0, x - left));
            }
            document.getElementById("shown-value").textContent = value.toFixed(3);
          }

          function fill(figures) {
            const count = (number) => Math.round(number).toLocaleString("en");
            const texts = {
              kept: count(figures.kept), dropped: count(figures.dropped), orphaned: count(figures.orphaned),
              gini: figures.balance.gini.toFixed(3), effective: count(figures.balance.effective),
            };
            for (const [name, text] of Object.entries(texts)) {
              document.querySelector(`[data-figure="${name}"]`).textContent = text;
            }
            const classes = document.querySelector(".classes");
            if (!classes) return;
            const largest = Number(classes.dataset.largest);
            for (const row of classes.querySelectorAll("[data-class]")) {
              const number = figures.balance.per_class[row.dataset.class] || 0;
              row.querySelector(".kept").setAttribute("width", 100 * number / largest);
              row.querySelector(".kept-count").textContent = count(number);
            }
          }

          // One question at a time; the newest value waits.
          async function ask() {
            if (isAsking) return;
            isAsking = true;
            while (wanted !== null) {
              const value = wanted;
              wanted = null;
              const response = await fetch("/api/threshold?value=" + value);
              if (response.ok) fill(await response.json());
            }
            isAsking = false;
            form.dataset.settled = slider.value;
            history.replaceState(null, "", "/threshold?threshold=" + Number(slider.value).toFixed(4));
          }

          function set(value) {
            slider.value = value;
            draw(Number(slider.value));
            wanted = Number(slider.value);
            ask();
          }

          slider.addEventListener("input", () => set(slider.value));
          for (const plot of plots) {
            const svg = plot.querySelector("svg");
            const follow = (event) => {
              const { width, low, high, left, right } = axis(plot);
              const box = svg.getBoundingClientRect();
              const x = (event.clientX - box.left) / box.width * width;
              set(low + (x - left) / (right - left) * (high - low));
            };
            svg.addEventListener("pointerdown", (event) => {
              svg.setPointerCapture(event.pointerId);
              event.preventDefault();
              follow(event);
            });
            svg.addEventListener("pointermove", (event) => {
              if (svg.hasPointerCapture(event.pointerId)) follow(event);
            });
            plot.classList.add("live");
          }
        }
        """#
}

/// The audit by keyboard.
enum AuditScript {
    static let text: StaticString = #"""
        // Each answer has a key; pressing it presses its button.
        document.addEventListener("keydown", (event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
          if (button) { event.preventDefault(); button.click(); }
        });
        """#
}
