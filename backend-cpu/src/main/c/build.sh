#!/usr/bin/env bash
# build.sh FILE: compiles the kernels of backend cpu-native into a shared library, where there is a compiler for them.
# Without one the jar holds no library, and the backend says so.
set -euo pipefail
target=$1
source=$(cd "$(dirname "$0")" && pwd)
compiler=${CC:-gcc}

without() {
    echo "backend cpu-native is left out: $*"
    rm -f "$target"
    exit 0
}

[[ $(uname -s)-$(uname -m) == Linux-x86_64 ]] || without "its kernels are for x86-64 Linux, this is $(uname -s) on $(uname -m)"
command -v "$compiler" >/dev/null 2>&1 || without "no C compiler; install gcc, or name one in CC"
if [[ -f $target && -z $(find "$source" -newer "$target" -type f -print -quit) ]]; then
    exit 0
fi

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
common=(-std=gnu11 -O3 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -ffile-prefix-map="$source"=. -c)
compile() {
    local file=$1
    shift
    "$compiler" "${common[@]}" "$@" "$source/$file.c" -o "$objects/$file.o" || without "$compiler cannot compile $file.c"
}
compile heddle_cpu -march=x86-64
compile result -march=x86-64-v3
compile avx2 -march=x86-64-v3
compile avx512 -march=x86-64-v4
compile avx512_bf16 -march=x86-64-v4 -mavx512bf16 -mavx512vbmi
compile amx -march=x86-64-v4 -mavx512bf16 -mavx512vbmi -mavx512fp16 -mamx-tile -mamx-bf16
compile amx_int8 -march=x86-64-v4 -mavx512bf16 -mavx512vbmi -mamx-tile -mamx-int8
compile amx_soften -march=x86-64-v4 -mavx512bf16 -mavx512vbmi
compile amx_prefill -march=x86-64-v4 -mavx512bf16 -mavx512vbmi -mamx-tile -mamx-bf16
mkdir -p "$(dirname "$target")"
"$compiler" -shared -Wl,--build-id=none -Wl,-z,relro -o "$target.new" "$objects"/{heddle_cpu,result,avx2,avx512,avx512_bf16,amx,amx_int8,amx_prefill,amx_soften}.o -lm
mv "$target.new" "$target"
