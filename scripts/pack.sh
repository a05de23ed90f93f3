#!/bin/sh
# Builds every package and packs it as it would be published: sh scripts/pack.sh FOLDER
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

rm -rf packages/*/dist # a source that is gone must not live on in a package
tsc -b
for package in packages/*/package.json; do
  cp LICENSE "$(dirname "$package")/LICENSE"
done
# What `muster deploy --example` hands over.
mkdir -p packages/cli/example
cp examples/breast-cancer/model-v1.onnx examples/breast-cancer/sample.csv packages/cli/example/

npm pack --workspaces --silent --pack-destination "$folder"
