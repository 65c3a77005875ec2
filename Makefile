# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up.
export SWIFT_BACKTRACE ?= enable=no
DEMO ?= Pipelines/quickstart.yaml
FORMATTED = Package.swift Sources Tests

.PHONY: all setup build demo test format lint clean

all: build

setup:
	@Scripts/setup

build: setup
	swift build -c release --product retort

demo: build
	.build/release/retort run $(DEMO)

test: setup
	swift test

format:
	swift format -i -r -p $(FORMATTED)

lint:
	swift format lint --strict -r -p $(FORMATTED)

clean:
	rm -rf .build
