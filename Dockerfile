# The command line, its server included, with a Java runtime of only what it needs.
#   docker build -t nibble . && docker run -p 127.0.0.1:8080:8080 -v "$PWD/models:/models" nibble serve /models/model.gguf --host 0.0.0.0

FROM maven:3-eclipse-temurin-25 AS build
WORKDIR /build
COPY . .
RUN mvn -B -ntp -pl cli -am package -Dmaven.test.skip=true -Dspotless.check.skip=true -Djacoco.skip=true \
    -Dmaven.javadoc.skip=true -Dmaven.source.skip=true && \
    jlink --no-header-files --no-man-pages --strip-debug --compress zip-6 --output /runtime --add-modules \
    java.base,java.logging,java.management,java.net.http,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.incubator.vector,jdk.jfr,jdk.management,jdk.unsupported

FROM debian:stable-slim
RUN useradd --create-home --uid 10001 nibble
COPY --from=build /runtime /opt/runtime
COPY --from=build /build/cli/target/lib /opt/nibble
USER 10001
ENV LC_ALL=C.UTF-8
EXPOSE 8080
ENTRYPOINT ["/opt/runtime/bin/java", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", \
    "-XX:+UseSerialGC", "-cp", "/opt/nibble/*", "dev.nibble.cli.Main"]
CMD ["serve", "--host", "0.0.0.0"]
