package dev.heddle.cli.peer;

import java.util.List;

/**
 * A peer that can be started.
 *
 * @param id its name in reports, {@code onnxruntime-1.29.0}
 * @param type the class that implements {@link Peer}
 * @param classPath what that class needs beside this jar
 */
public record PeerProgram(String id, String type, List<String> classPath) {}
