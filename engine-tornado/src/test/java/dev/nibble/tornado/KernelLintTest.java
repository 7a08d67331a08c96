package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.tornado.kernels.Layout;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LocalVariable;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.reflect.AccessFlag;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads the class files of the kernels for what TornadoVM's compilers get wrong without saying so. */
class KernelLintTest {
    /** Calls that are known to come out right. */
    private static final Set<String> ALLOWED_CALLS = Set.of(
            "uk/ac/manchester/tornado/api/KernelContext.localBarrier",
            "uk/ac/manchester/tornado/api/KernelContext.allocateFloatLocalArray",
            "uk/ac/manchester/tornado/api/math/TornadoMath.exp",
            "uk/ac/manchester/tornado/api/math/TornadoMath.log",
            "uk/ac/manchester/tornado/api/math/TornadoMath.sqrt",
            "uk/ac/manchester/tornado/api/types/arrays/ByteArray.get",
            "uk/ac/manchester/tornado/api/types/arrays/ShortArray.get",
            "uk/ac/manchester/tornado/api/types/arrays/ShortArray.set",
            "uk/ac/manchester/tornado/api/types/arrays/IntArray.get",
            "uk/ac/manchester/tornado/api/types/arrays/FloatArray.get",
            "uk/ac/manchester/tornado/api/types/arrays/FloatArray.set",
            "java/lang/Integer.intValue");

    /** TornadoVM refuses kernels named as something in OpenCL. */
    private static final Set<String> OPENCL_NAMES =
            Set.of("normalize", "dot", "cross", "distance", "length", "mix", "step", "clamp", "sign", "kernel", "half");

    private static final int MAX_PARAMETERS = 15;

    /** Methods that never run on a device: they make constants for the host. */
    private static final Set<String> HOST_METHODS = Set.of("code", "<init>", "<clinit>");

    static List<ClassModel> kernelClasses() {
        try {
            Path folder =
                    Path.of(Layout.class.getResource("Layout.class").toURI()).getParent();
            try (Stream<Path> files = Files.list(folder)) {
                return files.filter(file -> file.toString().endsWith(".class"))
                        .filter(file -> !file.toString().contains("$"))
                        .filter(file -> !file.endsWith("package-info.class"))
                        .map(KernelLintTest::parse)
                        .toList();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("kernelClasses")
    void kernelsAvoidWhatIsTranslatedWrongly(ClassModel kernels) {
        assertThat(problems(kernels)).isEmpty();
    }

    @Test
    void findsEveryKernelClass() {
        assertThat(kernelClasses())
                .extracting(model -> model.thisClass().asInternalName())
                .contains(
                        "dev/nibble/tornado/kernels/MatrixKernels",
                        "dev/nibble/tornado/kernels/AttentionKernels",
                        "dev/nibble/tornado/kernels/RowKernels",
                        "dev/nibble/tornado/kernels/Weights",
                        "dev/nibble/tornado/kernels/Halves");
    }

    /** What it looks for, it finds. */
    @Test
    void findsTheTraps() throws IOException {
        try (InputStream in = Traps.class.getResourceAsStream("KernelLintTest$Traps.class")) {
            assertThat(in).isNotNull();
            assertThat(problems(ClassFile.of().parse(in.readAllBytes())))
                    .anyMatch(problem -> problem.startsWith("unsignedShift: >>>"))
                    .anyMatch(problem -> problem.startsWith("unsignedByte: & 255"))
                    .anyMatch(problem -> problem.startsWith("libraryHalf: calls java/lang/Float.float16ToFloat"))
                    .anyMatch(problem -> problem.startsWith("floatBits: calls java/lang/Float.floatToRawIntBits"))
                    .anyMatch(problem -> problem.startsWith("normalize: a name of OpenCL"))
                    .anyMatch(problem -> problem.startsWith("doubles: double"))
                    .anyMatch(problem -> problem.startsWith("branches: switch"))
                    .anyMatch(problem -> problem.startsWith("allocates: new"))
                    .anyMatch(problem -> problem.startsWith("wide: 16 parameters"));
        }
    }

    private static List<String> problems(ClassModel model) {
        List<String> problems = new ArrayList<>();
        for (MethodModel method : model.methods()) {
            String name = method.methodName().stringValue();
            if (HOST_METHODS.contains(name) || method.code().isEmpty()) {
                continue;
            }
            if (OPENCL_NAMES.contains(name)
                    && method.methodTypeSymbol().parameterList().stream()
                            .anyMatch(type -> type.displayName().equals("KernelContext"))) {
                problems.add(name + ": a name of OpenCL");
            }
            int parameters = method.methodTypeSymbol().parameterCount();
            if (parameters > MAX_PARAMETERS) {
                problems.add(name + ": " + parameters + " parameters");
            }
            if (!method.flags().has(AccessFlag.STATIC)) {
                problems.add(name + ": not static");
            }
            check(model, method, name, problems);
        }
        return problems;
    }

    private static void check(ClassModel model, MethodModel method, String name, List<String> problems) {
        boolean variables = false;
        int lastConstant = Integer.MIN_VALUE;
        for (CodeElement element : method.code().orElseThrow()) {
            switch (element) {
                case LocalVariable variable -> variables = true;
                case OperatorInstruction operator -> {
                    if (operator.opcode() == Opcode.IUSHR || operator.opcode() == Opcode.LUSHR) {
                        problems.add(name + ": >>> becomes >>");
                    }
                    if (operator.opcode() == Opcode.IAND && (lastConstant == 255 || lastConstant == 65535)) {
                        problems.add(name + ": & " + lastConstant + " makes what follows unsigned");
                    }
                    if (operator.typeKind() == java.lang.classfile.TypeKind.DOUBLE) {
                        problems.add(name + ": double, which not every device has");
                    }
                }
                case InvokeInstruction call -> {
                    String callee =
                            call.owner().asInternalName() + "." + call.name().stringValue();
                    boolean own = call.owner().asInternalName().startsWith("dev/nibble/tornado/kernels/")
                            || call.owner().equals(model.thisClass());
                    if (!own && !ALLOWED_CALLS.contains(callee)) {
                        problems.add(name + ": calls " + callee);
                    }
                }
                case TableSwitchInstruction branches -> problems.add(name + ": switch");
                case LookupSwitchInstruction branches -> problems.add(name + ": switch");
                case NewObjectInstruction allocation -> problems.add(name + ": new");
                default -> {}
            }
            if (element instanceof ConstantInstruction constant && constant.constantValue() instanceof Integer value) {
                lastConstant = value;
            } else if (element instanceof java.lang.classfile.Instruction) {
                lastConstant = Integer.MIN_VALUE;
            }
        }
        if (!variables && method.methodTypeSymbol().parameterCount() > 0) {
            problems.add(name + ": no LocalVariableTable; compile with -g");
        }
    }

    /** One of each. */
    @SuppressWarnings("unused")
    static final class Traps {
        private Traps() {}

        static int unsignedShift(int x) {
            return x >>> 3;
        }

        static float unsignedByte(byte b) {
            return (b & 255) - 128;
        }

        static float libraryHalf(short s) {
            return Float.float16ToFloat(s);
        }

        static int floatBits(float x) {
            return Float.floatToRawIntBits(x);
        }

        static void normalize(uk.ac.manchester.tornado.api.KernelContext context) {}

        static float doubles(float x) {
            return (float) (x * 2.0);
        }

        static int branches(int x) {
            return switch (x) {
                case 1 -> 5;
                case 2 -> 9;
                default -> 3;
            };
        }

        static int allocates(int x) {
            return new StringBuilder(x).length();
        }

        static int wide(
                int a,
                int b,
                int c,
                int d,
                int e,
                int f,
                int g,
                int h,
                int i,
                int j,
                int k,
                int l,
                int m,
                int n,
                int o,
                int p) {
            return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p;
        }
    }
}
