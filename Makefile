# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up.
export SWIFT_BACKTRACE ?= enable=no
DEMO ?= Pipelines/quickstart.yaml
FORMATTED = Package.swift Sources Tests

.PHONY: all setup build demo test bench dist format lint clean

all: build

setup:
	@Scripts/setup

build: setup
	swift build -c release --product retort
	swift build -c release --product RetortNative

demo: build
	.build/release/retort run $(DEMO)

test:
	@Scripts/setup --tests
	@Scripts/test

dist: setup
	@Scripts/dist

# Peers come beside the project's torch, which both sides share.
bench: setup
	Scripts/peers/setup
	swift build -c release --product retort-bench
	swift build -c release --product RetortNative
	PYTHONPATH=.deps/peers .build/release/retort-bench --python "$$(cat .deps/peers/python)" $(BENCH)

format:
	swift format -i -r -p $(FORMATTED)

lint:
	swift format lint --strict -r -p $(FORMATTED)

clean:
	rm -rf .build
