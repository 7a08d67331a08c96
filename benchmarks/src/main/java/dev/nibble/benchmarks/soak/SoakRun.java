package dev.nibble.benchmarks.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The run itself, in the process that {@link Soak} watches: workers do one thing after another with the models; now and then
 * all pause, and what the process holds is counted.
 */
final class SoakRun {
    static final int EXIT_FAILED = 1;
    static final int EXIT_HANGS = 3;

    private static final int LINE_SECONDS = 30;

    /** Rounds after which the models that stay are loaded anew. */
    private static final int RELOAD = 5;

    private final Settings settings;
    private final Workplace place;
    private final Tally tally = new Tally();
    private final HangWatch hangs;
    /** Read: something is being done; write: all pause. */
    private final ReentrantReadWriteLock pause = new ReentrantReadWriteLock(true);

    private final List<Holdings> samples = new ArrayList<>();
    private volatile boolean isOver;

    private SoakRun(Settings settings, Path folder) throws IOException {
        this.settings = settings;
        hangs = new HangWatch(settings.hangSeconds(), folder);
        HangWatch.Pulse pulse = hangs.pulse("preparing");
        pulse.begin("asking each model while nothing else runs");
        place = new Workplace(folder, settings.model());
        pulse.end();
    }

    /** The folder for files of the run, then the arguments of {@link Soak}. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Logger.getLogger("dev.nibble").setLevel(Level.WARNING);
        Settings settings = Settings.parse(Arrays.copyOfRange(arguments, 1, arguments.length));
        SoakRun run = new SoakRun(settings, Path.of(arguments[0]).toRealPath());
        run.run();
        System.exit(run.tally.hasFailed() ? EXIT_FAILED : 0);
    }

    private void run() throws IOException, InterruptedException {
        place.open();
        if (!Holdings.canBeRead()) {
            System.out.println("no /proc here: what the process holds is not counted");
        }
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < settings.threads(); i++) {
            Thread.Builder builder = i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
            SplittableRandom random = new SplittableRandom(settings.seed() * 1000 + i);
            String name = "worker " + i;
            workers.add(builder.name(name).start(() -> work(name, random)));
        }
        long started = System.nanoTime();
        double round = settings.roundSeconds();
        double end = settings.minutes() * 60;
        double seconds = 0;
        double lineAt = 0;
        HangWatch.Pulse pulse = hangs.pulse("counting");
        for (int i = 1; seconds < end; i++) {
            Thread.sleep((long) (round * 1000));
            pulse.begin("waiting until all pause");
            pause.writeLock().lock();
            try {
                seconds = (System.nanoTime() - started) / 1e9;
                look(seconds >= end || i % RELOAD == 0);
            } finally {
                pause.writeLock().unlock();
                pulse.end();
            }
            if (seconds >= lineAt || seconds >= end) {
                lineAt = seconds + LINE_SECONDS - round;
                printLine(seconds);
            }
        }
        isOver = true;
        pulse.begin("waiting for the workers");
        for (Thread worker : workers) {
            worker.join(TimeUnit.SECONDS.toMillis(settings.hangSeconds()));
        }
        place.close();
        pulse.end();
        Growth.judge(samples, tally);
        System.out.println();
        tally.print();
    }

    private void work(String name, SplittableRandom random) {
        Scenarios scenarios = new Scenarios(place, tally, random, settings.hangSeconds());
        HangWatch.Pulse pulse = hangs.pulse(name);
        while (!isOver) {
            pause.readLock().lock();
            Scenarios.Kind kind = scenarios.pick();
            try {
                pulse.begin(kind.text());
                scenarios.run(kind);
                tally.done(kind.text());
            } catch (Throwable t) { // whatever it is, it was not expected
                tally.failed(kind.text() + ": unexpected " + cause(t).getClass().getName(), t);
            } finally {
                pulse.end();
                pause.readLock().unlock();
            }
        }
    }

    /** What a task of another thread ended with. */
    private static Throwable cause(Throwable thrown) {
        Throwable cause = thrown;
        while (cause instanceof ExecutionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** Counts what the process holds while nothing runs; {@code all} closes what stays loaded, to see that nothing is left. */
    private void look(boolean all) throws IOException {
        if (!Holdings.canBeRead()) {
            return;
        }
        samples.add(Holdings.read(place.mapped()));
        if (all) {
            place.close();
            Holdings left = Holdings.read(place.mapped());
            if (left.mappings() > 0) {
                tally.failed("files stay mapped after all models were closed", left.toString());
            }
            place.open();
        }
    }

    private void printLine(double seconds) {
        System.out.printf(
                Locale.ROOT,
                "%6.0f s  %d generations, %d cancels, %d interrupts, %d cuts, %d loads, %d failures%s%n",
                seconds,
                tally.count(Scenarios.GENERATIONS),
                tally.count(Scenarios.Kind.CANCEL.text()),
                tally.count(Scenarios.Kind.INTERRUPT.text()),
                tally.count(Scenarios.Kind.CUT.text()) + tally.count(Scenarios.Kind.CUT_WHILE_LOADING.text()),
                tally.count(Scenarios.LOADS),
                tally.failures(),
                samples.isEmpty() ? "" : "; " + samples.getLast());
    }
}
