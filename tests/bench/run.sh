#!/usr/bin/env bash
# Runs the benchmarks: `tests/bench/run.sh --rows 200000` for a quick one. What they measure, and what came
# of it, is in docs/BENCHMARKS.md. The binary is taken as it is; `make bench` builds it before.
set -euo pipefail
cd "$(dirname "$0")"

python="${MOCHIYORI_PYTHON:-$HOME/.cache/mochiyori/venv/bin/python}"
if [[ ! -x "$python" ]]; then
    echo "bench: there is no Python at $python; run scripts/setup.sh test, or set MOCHIYORI_PYTHON" >&2
    exit 1
fi
# As the image does; docs/BENCHMARKS.md says why.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}" MIMALLOC_PURGE_DELAY="${MIMALLOC_PURGE_DELAY:-100}"
# No folders of compiled Python in the checkout.
export PYTHONDONTWRITEBYTECODE=1
exec "$python" bench.py "$@"
