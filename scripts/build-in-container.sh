#!/bin/sh
# Builds the prebuilt addon and load generator inside an AlmaLinux 8 or Alpine container whose working directory is the clone
# (.github/workflows/release.yml). Leaves prebuilds/<platform>/ringwire.node and loadgen.
set -eu
if command -v apk >/dev/null; then
  apk add --no-cache g++ make python3
  npm ci
  npm run build -- --prebuild
  npx vitest run test/unit
else
  dnf -y -q module enable nodejs:20
  dnf -y -q install nodejs npm gcc-toolset-12-gcc-c++ make python3.11 binutils
  npm ci
  npm_config_python=python3.11
  export npm_config_python
  # A newer compiler on the old C library: what it adds to libstdc++ it links in.
  scl enable gcc-toolset-12 'npm run build -- --prebuild && npx vitest run test/unit'
fi
