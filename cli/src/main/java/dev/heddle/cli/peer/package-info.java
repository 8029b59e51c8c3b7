/**
 * Other implementations of attention, each in a VM of its own: two versions of one native library cannot share a
 * process, and a peer's threads and heap must not stand beside Heddle's. This side starts the VMs
 * ({@link dev.heddle.cli.peer.PeerFolder}, {@link dev.heddle.cli.peer.PeerVm}); the other side is
 * {@link dev.heddle.cli.peer.PeerMain} and an implementation of {@link dev.heddle.cli.peer.Peer}, whose jars lie in a
 * folder that Heddle itself does not need.
 */
@NullMarked
package dev.heddle.cli.peer;

import org.jspecify.annotations.NullMarked;
