@echo off
rem Installs the panel at the first start, upgrades the database, and serves it until the window is closed.
rem Without the internet: put the wheels into the folder wheelhouse of the project first.
chcp 65001 >nul
setlocal
cd /d "%~dp0..\.."
set PYTHONUTF8=1
if "%HOST%"=="" set HOST=0.0.0.0
if not exist .venv\Scripts\python.exe py -3 -m venv .venv || goto failed
if exist wheelhouse (
  .venv\Scripts\python -m pip install --quiet --no-index --find-links wheelhouse --require-hashes -r requirements.lock || goto failed
) else (
  .venv\Scripts\python -m pip install --quiet --require-hashes -r requirements.lock || goto failed
)
.venv\Scripts\flask --app admin_app setup || goto failed
.venv\Scripts\python admin_app.py
:failed
pause
