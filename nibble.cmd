@echo off
rem Runs the Nibble command line from a checkout: finds a JDK, builds what is missing, starts it.
rem NIBBLE_JAVA_OPTS: further JVM options, as -Xmx8g. Delete cli\target\.built to build again.
rem NIBBLE_NO_BUILD: when set, whatever was built last is started as it is.
rem TORNADOVM_HOME: a TornadoVM SDK: the JVM is started with it, so that models can run on a GPU (docs\GPU.md).
setlocal EnableExtensions DisableDelayedExpansion
set "ROOT=%~dp0"
set "ROOT=%ROOT:~0,-1%"
set "LIB=%ROOT%\cli\target\lib"
set "JDK="

if defined JAVA_HOME call :consider "%JAVA_HOME%"
for /f "delims=" %%J in ('where java 2^>nul') do (
  for %%H in ("%%~dpJ..") do call :consider "%%~fH"
)
for %%R in (
  "%ProgramFiles%\Eclipse Adoptium"
  "%ProgramFiles%\Java"
  "%ProgramFiles%\Microsoft"
  "%ProgramFiles%\Zulu"
  "%ProgramFiles%\Amazon Corretto"
  "%ProgramFiles%\BellSoft"
  "%USERPROFILE%\.jdks"
  "%USERPROFILE%\.sdkman\candidates\java"
  "%USERPROFILE%\scoop\apps\temurin25-jdk"
) do if exist "%%~R" for /d %%H in ("%%~R\*") do call :consider "%%~fH"

if not defined JDK (
  echo nibble: a JDK 25 or newer is needed and none was found. Install one, for example with 1>&2
  echo   winget install EclipseAdoptium.Temurin.25.JDK 1>&2
  echo or set JAVA_HOME to where it is. 1>&2
  exit /b 1
)

if defined NIBBLE_NO_BUILD goto :built
if not exist "%ROOT%\cli\target\.built" (
  where mvn >nul 2>nul || (
    echo nibble: Maven is needed to build Nibble and mvn is not on the PATH. 1>&2
    exit /b 1
  )
  echo Building Nibble ^(first use, a minute or two^) ... 1>&2
  if not exist "%ROOT%\cli\target" mkdir "%ROOT%\cli\target"
  pushd "%ROOT%"
  set "JAVA_HOME=%JDK%"
  call mvn -B -ntp -pl cli -am package -Dmaven.test.skip=true -Dspotless.check.skip=true -Djacoco.skip=true -Dmaven.javadoc.skip=true -Dmaven.source.skip=true > "%ROOT%\cli\target\build.log" 2>&1
  if errorlevel 1 (
    type "%ROOT%\cli\target\build.log" 1>&2
    echo nibble: the build failed 1>&2
    popd
    exit /b 1
  )
  popd
  type nul > "%ROOT%\cli\target\.built"
)

:built
if not exist "%LIB%" (
  echo nibble: nothing is built yet in "%ROOT%\cli\target"; run without NIBBLE_NO_BUILD 1>&2
  exit /b 1
)

rem Classes as an earlier run left them; the script nibble says more of this.
set "ARCHIVE=%ROOT%\cli\target\nibble.jsa"
set CLASSES=-Xlog:cds*=off -Xlog:aot*=off
set KEEP=1
if defined TORNADOVM_HOME set "KEEP="
if defined NIBBLE_JAVA_OPTS set "KEEP="
if defined JDK_JAVA_OPTIONS set "KEEP="
if defined JAVA_TOOL_OPTIONS set "KEEP="
if defined TORNADOVM_HOME goto :tornado
if exist "%ARCHIVE%" set CLASSES=%CLASSES% "-XX:SharedArchiveFile=%ARCHIVE%" -XX:+VerifySharedSpaces
if not defined KEEP goto :tornado
set CLASSES=%CLASSES% "-Dnibble.class.archive=%ARCHIVE%"
if exist "%ARCHIVE%" goto :tornado
if "%~1"=="run" set CLASSES=%CLASSES% "-XX:DumpLoadedClassList=%ROOT%\cli\target\nibble.classes.%%p"
if "%~1"=="chat" set CLASSES=%CLASSES% "-XX:DumpLoadedClassList=%ROOT%\cli\target\nibble.classes.%%p"

:tornado
rem With a TornadoVM SDK its options come first; what decides and writes them is shared with the script nibble.
set TORNADO=
if not defined TORNADOVM_HOME goto :start
set "ARGFILE=%ROOT%\cli\target\tornado-argfile"
"%JDK%\bin\java" -Xshare:auto -XX:TieredStopAtLevel=1 -cp "%LIB%\*" dev.nibble.cli.TornadoArgfile "%ARGFILE%" %*
rem 0: written; 3: the CPU is asked for, or there is no SDK and nobody insists on one
if errorlevel 3 goto :start
if errorlevel 1 exit /b 1
set TORNADO="@%ARGFILE%"

:start
"%JDK%\bin\java" %TORNADO% --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Dnibble.launcher=nibble %CLASSES% %NIBBLE_JAVA_OPTS% -cp "%LIB%\*" dev.nibble.cli.Main %*
exit /b %errorlevel%

rem Takes the folder %1 as the JDK if it is one, new enough, and none was found before.
:consider
if defined JDK exit /b 0
if not exist "%~1\bin\javac.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "tokens=2 delims==" %%V in ('findstr /b "JAVA_VERSION=" "%~1\release"') do (
  for /f "tokens=1 delims=.-" %%M in ("%%~V") do if %%M GEQ 25 set "JDK=%~1"
)
exit /b 0
