"""Writes Pipelines/fifty.yaml for DVC and Snakemake, runs all three, and times them with nothing to do.

noop.py PIPELINE FOLDER RETORT PEERS ROUNDS; called by Scripts/peers/noop.
"""
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import time

COUNT = 1000


def stages(text):
    """name, command, inputs, output of every stage, read with a pattern: the file's lines all look alike."""
    line = re.compile(r'^  ([\w-]+): \{uses: shell, cmd: "(.*?)"(?:, in: \[(.*?)\])?, out: (\S+)\}$', re.M)
    for name, command, inputs, output in line.findall(text):
        command = command.replace("${vars.count}", str(COUNT))
        yield name, command, [i.strip() for i in inputs.split(",") if i.strip()], output


def files(command, inputs, outputs):
    """The command with the files that stand for $IN_NAME/… and $OUT/…."""
    for name in inputs:
        command = command.replace(f"$IN_{name.replace('-', '_')}/", f"{name}.")
    return command.replace("$OUT/", outputs)


def write_dvc(folder, graph):
    text = ["stages:"]
    outs = {name: f"{name}.{output}" for name, _, _, output in graph}
    for name, command, inputs, output in graph:
        text += [f"  {name}:", "    cmd: " + repr_yaml(files(command, inputs, f"{name}."))]
        if inputs:
            text += ["    deps:"] + [f"      - {outs[i]}" for i in inputs]
        text += ["    outs:", f"      - {outs[name]}"]
    (folder / "dvc.yaml").write_text("\n".join(text) + "\n")


def repr_yaml(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_snakefile(folder, graph):
    outs = {name: f"{name}.{output}" for name, _, _, output in graph}
    text = [f'rule all:\n    input: {[outs["report"]]!r}\n']
    for name, command, inputs, _ in graph:
        shell = files(command, inputs, f"{name}.").replace("{", "{{").replace("}", "}}")
        text.append(
            f"rule {name.replace('-', '_')}:\n    input: {[outs[i] for i in inputs]!r}\n"
            f"    output: {[outs[name]]!r}\n    shell: {shell!r}\n")
    (folder / "Snakefile").write_text("\n".join(text))


def executable(peers, name):
    return peers / name / "bin" / name


def timed(words, folder, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"noop: {' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    pipeline, folder, retort, programs, rounds = sys.argv[1:]
    graph = list(stages(pathlib.Path(pipeline).read_text()))
    assert len(graph) == 50, len(graph)
    folder, programs = pathlib.Path(folder), pathlib.Path(programs)
    environment = dict(os.environ, NO_COLOR="1", DVC_NO_ANALYTICS="1")
    cases = {"retort run": (folder / "retort", [retort, "run", pipeline])}
    for name, program, words, write in [
        ("dvc repro", "dvc", ["repro", "-q"], write_dvc),
        ("snakemake", "snakemake", ["-q", "--cores", "2"], write_snakefile),
    ]:
        if executable(programs, program).exists():
            place = folder / program
            place.mkdir()
            write(place, graph)
            if program == "dvc":
                timed([str(executable(programs, "dvc")), "init", "--no-scm", "-q"], place, environment)
            cases[name] = (place, [str(executable(programs, program))] + words)
        else:
            print(f"{name}: not installed, left out")
    (folder / "retort").mkdir()
    results = {}
    for name, (place, words) in cases.items():
        print(f"{name}: {timed(words, place, environment)[0]:.2f} s for all fifty")
    # The three agree on what was asked of them.
    found = {(place / "report.sums.txt").read_text() for name, (place, _) in cases.items() if name != "retort run"}
    sums = subprocess.run([retort, "path", "report"], cwd=folder / "retort", capture_output=True, text=True)
    found.add((pathlib.Path(sums.stdout.strip()) / "sums.txt").read_text())
    assert len(found) == 1, found
    for _ in range(int(rounds)):
        for name, (place, words) in cases.items():
            results.setdefault(name, []).append(timed(words, place, environment))
    for name, pairs in results.items():
        times = [pair[0] for pair in pairs]
        processor = 1000 * statistics.median(pair[1] for pair in pairs)
        print(
            f"{name}: {1000 * statistics.median(times):.0f} ms with nothing to do "
            f"({1000 * min(times):.0f}–{1000 * max(times):.0f}, {len(times)} rounds), {processor:.0f} ms of processor time")
    for program in ["dvc", "snakemake"]:
        if executable(programs, program).exists():
            said = subprocess.run([str(executable(programs, program)), "--version"], capture_output=True, text=True)
            print(program, said.stdout.strip())


main()
