package dev.heddle.cli.bench;

import dev.heddle.cli.input.BenchShape;
import dev.heddle.core.capability.UnsupportedRequestException;

/** Takes what a benchmark found, row by row. */
interface BenchSink {
    void add(BenchRow row);

    /** A row that a peer does not do, or failed at. */
    void skip(String peer, BenchShape shape, String why);

    /** A row that a backend does not do. */
    void refuse(String backend, BenchShape shape, UnsupportedRequestException why);

    /** An implementation is through with a row. */
    void step();
}
