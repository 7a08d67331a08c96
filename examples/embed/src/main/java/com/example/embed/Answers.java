package com.example.embed;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.ToolLoop;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.Tool;
import dev.nibble.constraint.Description;
import dev.nibble.constraint.Range;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers as values, tools, and many sessions at once, with the model given as the argument, one that calls tools. */
final class Answers {
    public record Dim(String room, @Description("0 is off") @Range(min = 0, max = 100) int percent) {}

    public record City(String name) {}

    private Answers() {}

    public static void main(String[] arguments) throws Exception {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]))) {
            try (Session session = model.newSession()) {
                command(session);
            }
            try (Session session = model.newSession()) {
                tools(session);
            }
            all(model, List.of("One is", "Two is", "Three is"));
            try (Session session = model.newSession()) {
                Path file = Files.createTempFile("story", ".session");
                try {
                    continued(model, session, file).close();
                } finally {
                    Files.delete(file);
                }
            }
        }
    }

    private static void command(Session session) {
        Dim dim = session.generate("Kitchen to a third, please.", Dim.class);
        System.out.println(dim.room() + ": " + dim.percent());
    }

    private static void tools(Session session) {
        Tool weather = Tool.of("weather", "Weather of a city", City.class, city -> "rain in " + city.name());
        ToolLoop loop = new ToolLoop(session, ChatOptions.DEFAULT.withTools(weather));
        System.out.println(loop.run(List.of(ChatMessage.user("Will it rain in Oslo?"))).answer().content());
    }

    private static void all(LanguageModel model, List<String> tasks) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (String task : tasks) {
                threads.submit(() -> {
                    try (Session session = model.newSession()) {
                        System.out.println(session.generate(task).text());
                    }
                });
            }
        }
    }

    private static Session continued(LanguageModel model, Session session, Path file) throws IOException {
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxTokens(20);
        session.generate("Once upon a time", options);
        try (Session other = session.fork()) {
            System.out.println(other.generate(" In Oslo,", options).text());
        }
        session.save(file);
        Session later = model.restore(file);
        return later;
    }
}
