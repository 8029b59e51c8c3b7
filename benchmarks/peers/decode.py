"""Times other decode attention on this GPU, for `heddle bench --peers`.

usage: decode.py SHAPES.csv OUT.csv

SHAPES is a file of benchmarks/shapes. Timed are PyTorch's SDPA with its flash and cuDNN kernels, on contiguous KV,
and FlashInfer on pages where it can be imported. Method as heddle bench: device events around each run, a buffer
larger than the L2 written before it, the device kept busy first so that the host is ahead, the median of 40.
Shapes that an implementation does not take are left out, with a line on stderr.
"""

import csv
import re
import sys

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

try:
    import flashinfer
except ImportError:
    flashinfer = None

REPEATS = 40
WARM_UPS = 5
FLUSH_BYTES = 512 << 20
SPIN_CYCLES = 20_000_000
HEADER = "impl,num_qo_heads,num_kv_heads,head_dim,dtype,kv_dtype,page_size,batch,time_us".split(",")
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32, "fp8_e4m3": torch.float8_e4m3fn}
CUDA_CORE_GROUPS = {1, 2, 3, 4, 8}  # FlashInfer without tensor cores ends the process at others


def median_us(run, flush):
    for _ in range(WARM_UPS):
        run()
    torch.cuda.synchronize()
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(REPEATS)]
    torch.cuda._sleep(SPIN_CYCLES)
    for start, end in events:
        flush.zero_()
        start.record()
        run()
        end.record()
    torch.cuda.synchronize()
    return sorted(start.elapsed_time(end) * 1e3 for start, end in events)[REPEATS // 2]


def sdpa(backend, q, k, v, grouped):
    def run():
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)

    return run


def runs(row, workspace):
    """Yields names and what runs them, all on the same values."""
    num_qo, num_kv = map(int, row["heads"].split("/"))
    dim, page = int(row["head_dim"]), int(row["page_size"])
    batch, kv_len = map(int, re.fullmatch(r"(\d+)\*1x(\d+)", row["batch"]).groups())
    dtype, kv_dtype = DTYPES[row["dtype"]], DTYPES[row["kv_dtype"] or row["dtype"]]
    group = num_qo // num_kv
    q = torch.randn(batch, num_qo, dim, device="cuda").to(dtype)
    if kv_dtype == dtype:
        k, v = (torch.randn(batch, num_kv, kv_len, dim, device="cuda", dtype=dtype) for _ in range(2))
        for name, backend in (("sdpa-flash", SDPBackend.FLASH_ATTENTION), ("sdpa-cudnn", SDPBackend.CUDNN_ATTENTION)):
            yield name, 0, sdpa(backend, q.unsqueeze(2), k, v, group > 1)
        del k, v
    if flashinfer is None or dtype == torch.float32 or kv_len % page:
        return
    pages = batch * kv_len // page
    k, v = (torch.randn(pages, page, num_kv, dim, device="cuda", dtype=dtype).to(kv_dtype) for _ in range(2))
    indptr = torch.arange(0, pages + 1, kv_len // page, dtype=torch.int32, device="cuda")
    last = torch.full((batch,), page, dtype=torch.int32, device="cuda")
    indices = torch.randperm(pages, device="cuda").int()
    out = torch.empty_like(q)
    for name, tensor_cores in (("flashinfer-cc", False), ("flashinfer-tc", True)):
        if not tensor_cores and group not in CUDA_CORE_GROUPS:
            continue
        wrapper = flashinfer.BatchDecodeWithPagedKVCacheWrapper(workspace, "NHD", use_tensor_cores=tensor_cores)
        wrapper.plan(indptr, indices, last, num_qo, num_kv, dim, page, q_data_type=dtype, kv_data_type=kv_dtype)
        yield name, page, lambda wrapper=wrapper: wrapper.run(q, (k, v), out=out)


def time_row(row, writer, flush, workspace):
    heads = row["heads"].split("/")
    made = runs(row, workspace)
    while True:
        name = "flashinfer"
        try:
            name, page, run = next(made)
            micros = median_us(run, flush)
        except StopIteration:
            return
        except (RuntimeError, ValueError, TypeError, KeyError) as problem:
            first = (str(problem).splitlines() or [repr(problem)])[0]
            print(f"{name} {row['heads']} {row['batch']} {row['kv_dtype']}: {first}", file=sys.stderr)
            continue
        writer.writerow([name, *heads, row["head_dim"], row["dtype"], row["kv_dtype"] or row["dtype"],
                         page or row["page_size"], row["batch"], f"{micros:.2f}"])


def main():
    shapes, target = sys.argv[1:]
    flush = torch.empty(FLUSH_BYTES // 4, dtype=torch.int32, device="cuda")
    workspace = torch.zeros(512 << 20, dtype=torch.uint8, device="cuda")
    with open(shapes) as rows, open(target, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for row in csv.DictReader(rows):
            if re.fullmatch(r"\d+\*1x\d+", row["batch"]):
                time_row(row, writer, flush, workspace)
                out.flush()
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
