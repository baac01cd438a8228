# Everything is built by CMake; this is only a short way to say it.
#   make demo      the first thing to run          make bench    benchmarks, into bench/results/
#   make test      what a newcomer runs (minutes)  make fuzz     FUZZ_SECONDS=60 for each program
#   make check     all that is tested (an hour)    make install  PREFIX=/usr/local
#   make bench-peers   the same programs in MLX, JAX, torch and NumPy, which it installs (5 GB)
# MICA_BLAS=openblas takes the system's BLAS; CMAKE_ARGS="..." is passed to every configuration.

PREFIX       ?= /usr/local
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
CMAKE_ARGS   ?=
ifdef MICA_BLAS
override CMAKE_ARGS += -DMICA_BLAS=$(MICA_BLAS)
endif
export MICA_BLAS CMAKE_ARGS

.PHONY: all demo test test-oracle check bench bench-peers fuzz generate install clean setup

all: build-release

setup:
	@scripts/setup

build-%: setup
	@mkdir -p build
	@cmake --preset $* $(CMAKE_ARGS) >build/$*.log || { cat build/$*.log; exit 1; }
	@cmake --build --preset $* -j $(JOBS)

demo: build-release
	scripts/demo

test: build-release
	ctest --preset release -LE long -j $(JOBS)

# What no build can change (label tree) is checked once, by make test.
test-%: build-%
	ctest --preset $* -LE 'long|tree' -j $(JOBS)

check-cpu-%: build-release
	MICA_CPU=$* ctest --preset release -LE 'long|tree' -j $(JOBS)

check: test
	$(MAKE) test-debug
	$(MAKE) test-asan
	$(MAKE) test-ubsan
	$(MAKE) test-tsan
	$(MAKE) check-cpu-baseline
	$(MAKE) check-cpu-avx2
	$(MAKE) check-cpu-avx512
	scripts/fuzz 20
	ctest --preset release -L long

# Compares mica with released MLX, which is installed into an environment of its own (300 MB).
ORACLE = build/oracle-venv/bin/python
ORACLE_CALLS ?= 20000

$(ORACLE): requirements-oracle.txt
	python3 -m venv build/oracle-venv
	$(ORACLE) -m pip install --quiet --disable-pip-version-check -r requirements-oracle.txt
	touch $(ORACLE)

test-oracle: build-release $(ORACLE)
	$(ORACLE) tests/oracle/compare.py --mlx $(ORACLE) --mica .venv/bin/python --path build/release/python --calls $(ORACLE_CALLS)

# A second column of figures where there is a clang.
CLANG ?= $(firstword $(foreach c,clang-19 clang-20 clang-18 clang,$(shell command -v $(c) 2>/dev/null)))

build-release-clang: export CC = $(CLANG)

bench: build-release $(if $(CLANG),build-release-clang)
	scripts/bench build/release
	scripts/bench_python build/release

bench-peers: build-release
	scripts/peers
	scripts/bench_python build/release

fuzz: setup
	scripts/fuzz $(FUZZ_SECONDS)

# Writes the files that tools/opgen.c derives from the operation tables. Builds opgen alone: what uses a new row does not
# compile before this has run.
generate: setup
	@cmake --preset release $(CMAKE_ARGS) >/dev/null
	cmake --build --preset release -j $(JOBS) --target generate

install: setup
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(abspath $(PREFIX)) $(CMAKE_ARGS) >/dev/null
	cmake --build --preset release -j $(JOBS)
	cmake --install build/release

clean:
	rm -rf build
