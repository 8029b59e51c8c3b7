package dev.heddle.cli.peer;

import java.util.Optional;

/** Ends its VM as a native library's crash would, or cannot even be made. */
public final class EndingPeer implements Peer {
    /** Makes it. */
    public EndingPeer() {}

    @Override
    public Optional<String> refuses(PeerRow row) {
        System.err.println("a library ends this process");
        Runtime.getRuntime().halt(3);
        return Optional.empty();
    }

    @Override
    public Prepared prepare(PeerRow row, PeerInput input) {
        throw new IllegalStateException("not reached");
    }
}
