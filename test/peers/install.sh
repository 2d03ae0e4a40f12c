#!/usr/bin/env bash
# Installs the clients and servers of others that peers.test.ts tries the gateway against: npm's here, Python's in a
# virtual environment beside them. Needs npm, and python3 with venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
