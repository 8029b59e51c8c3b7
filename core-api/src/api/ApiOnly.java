import java.io.IOException;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.attribute.SourceFileAttribute;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;

/**
 * Writes a jar with the API of another: its public classes with their public and protected members, without code. Java 25
 * runs it from source: {@code java ApiOnly.java FROM.jar TO.jar}.
 */
final class ApiOnly {
    private static final long EPOCH_2026 = 1_767_225_600_000L;

    private ApiOnly() {}

    public static void main(String... arguments) throws IOException {
        TreeMap<String, byte[]> classes = new TreeMap<>(); // by name, so that equal jars give equal bytes
        try (JarFile from = new JarFile(Path.of(arguments[0]).toFile())) {
            for (JarEntry entry : from.stream().filter(e -> e.getName().endsWith(".class")).toList()) {
                ClassModel model = ClassFile.of().parse(from.getInputStream(entry).readAllBytes());
                if (model.isModuleInfo() || !isApi(model.flags().flags())) {
                    continue;
                }
                ClassTransform strip = ClassTransform.dropping(ApiOnly::isHidden)
                        .andThen(ClassTransform.transformingMethods(
                                MethodTransform.dropping(element -> element instanceof CodeModel)));
                classes.put(entry.getName(), ClassFile.of().transformClass(model, strip));
            }
        }
        try (JarOutputStream to = new JarOutputStream(Files.newOutputStream(Path.of(arguments[1])))) {
            for (var one : classes.entrySet()) {
                ZipEntry entry = new ZipEntry(one.getKey());
                entry.setTime(EPOCH_2026);
                to.putNextEntry(entry);
                to.write(one.getValue());
            }
        }
    }

    private static boolean isHidden(ClassElement element) {
        return switch (element) {
            case MethodModel method -> !isApi(method.flags().flags());
            case FieldModel field ->
                !isApi(field.flags().flags()) && !field.fieldName().equalsString("serialVersionUID");
            case SourceFileAttribute file -> true;
            default -> false;
        };
    }

    private static boolean isApi(java.util.Collection<AccessFlag> flags) {
        return flags.containsAll(List.of(AccessFlag.PUBLIC)) || flags.contains(AccessFlag.PROTECTED);
    }
}
