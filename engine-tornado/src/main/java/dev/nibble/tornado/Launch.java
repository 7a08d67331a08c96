package dev.nibble.tornado;

import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task10;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task13;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task14;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task15;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task2;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task4;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task5;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task6;

/**
 * A kernel with its arguments and its grid. The same launch becomes a task of TornadoVM or runs in plain Java, so that
 * what is tested without a device is what runs on one.
 *
 * @param name of the kernel, unique in its graph
 * @param groups work-groups
 * @param lanes work-items of a group
 * @param code the kernel bound to its arguments
 * @param arguments those after the context
 */
record Launch(String name, int groups, int lanes, Code code, List<Object> arguments) {

    /** A kernel bound to its arguments. */
    interface Code {
        /** Runs it as one work-item. */
        void run(KernelContext context);

        /** Adds it to a graph of TornadoVM. */
        void addTo(TaskGraph graph, String id);
    }

    private Launch(String name, int groups, int lanes, Code code, Object... arguments) {
        this(name, groups, lanes, code, List.of(arguments));
    }

    /** The same under another name. */
    Launch named(String other) {
        return new Launch(other, groups, lanes, code, arguments);
    }

    static <A1> Launch of(String name, int groups, int lanes, Task2<KernelContext, A1> kernel, A1 a1) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1);
                    }
                },
                a1);
    }

    static <A1, A2, A3> Launch of(
            String name, int groups, int lanes, Task4<KernelContext, A1, A2, A3> kernel, A1 a1, A2 a2, A3 a3) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1, a2, a3);
                    }
                },
                a1,
                a2,
                a3);
    }

    static <A1, A2, A3, A4> Launch of(
            String name,
            int groups,
            int lanes,
            Task5<KernelContext, A1, A2, A3, A4> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1, a2, a3, a4);
                    }
                },
                a1,
                a2,
                a3,
                a4);
    }

    static <A1, A2, A3, A4, A5> Launch of(
            String name,
            int groups,
            int lanes,
            Task6<KernelContext, A1, A2, A3, A4, A5> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4,
            A5 a5) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4, a5);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1, a2, a3, a4, a5);
                    }
                },
                a1,
                a2,
                a3,
                a4,
                a5);
    }

    static <A1, A2, A3, A4, A5, A6, A7, A8, A9> Launch of(
            String name,
            int groups,
            int lanes,
            Task10<KernelContext, A1, A2, A3, A4, A5, A6, A7, A8, A9> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4,
            A5 a5,
            A6 a6,
            A7 a7,
            A8 a8,
            A9 a9) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4, a5, a6, a7, a8, a9);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1, a2, a3, a4, a5, a6, a7, a8, a9);
                    }
                },
                a1,
                a2,
                a3,
                a4,
                a5,
                a6,
                a7,
                a8,
                a9);
    }

    static <A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12> Launch of(
            String name,
            int groups,
            int lanes,
            Task13<KernelContext, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4,
            A5 a5,
            A6 a6,
            A7 a7,
            A8 a8,
            A9 a9,
            A10 a10,
            A11 a11,
            A12 a12) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(id, kernel, new KernelContext(), a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12);
                    }
                },
                a1,
                a2,
                a3,
                a4,
                a5,
                a6,
                a7,
                a8,
                a9,
                a10,
                a11,
                a12);
    }

    static <A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13> Launch of(
            String name,
            int groups,
            int lanes,
            Task14<KernelContext, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4,
            A5 a5,
            A6 a6,
            A7 a7,
            A8 a8,
            A9 a9,
            A10 a10,
            A11 a11,
            A12 a12,
            A13 a13) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(
                                id,
                                kernel,
                                new KernelContext(),
                                a1,
                                a2,
                                a3,
                                a4,
                                a5,
                                a6,
                                a7,
                                a8,
                                a9,
                                a10,
                                a11,
                                a12,
                                a13);
                    }
                },
                a1,
                a2,
                a3,
                a4,
                a5,
                a6,
                a7,
                a8,
                a9,
                a10,
                a11,
                a12,
                a13);
    }

    static <A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14> Launch of(
            String name,
            int groups,
            int lanes,
            Task15<KernelContext, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14> kernel,
            A1 a1,
            A2 a2,
            A3 a3,
            A4 a4,
            A5 a5,
            A6 a6,
            A7 a7,
            A8 a8,
            A9 a9,
            A10 a10,
            A11 a11,
            A12 a12,
            A13 a13,
            A14 a14) {
        return new Launch(
                name,
                groups,
                lanes,
                new Code() {
                    @Override
                    public void run(KernelContext context) {
                        kernel.apply(context, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14);
                    }

                    @Override
                    public void addTo(TaskGraph graph, String id) {
                        graph.task(
                                id,
                                kernel,
                                new KernelContext(),
                                a1,
                                a2,
                                a3,
                                a4,
                                a5,
                                a6,
                                a7,
                                a8,
                                a9,
                                a10,
                                a11,
                                a12,
                                a13,
                                a14);
                    }
                },
                a1,
                a2,
                a3,
                a4,
                a5,
                a6,
                a7,
                a8,
                a9,
                a10,
                a11,
                a12,
                a13,
                a14);
    }
}
